module.exports = {
  title: "Sample",
  url: "https://www.example.com",
  baseUrl: "/",
  presets: [["classic", { docs: {}, blog: {}, theme: {} }]],
};
