import "./style.css";
import { footer } from "./footer.js";

const routes = import.meta.glob("./routes/*.js");
const main = document.querySelector("main");
for (const load of Object.values(routes)) {
  load().then((route) => main.append(route.text, footer));
}
