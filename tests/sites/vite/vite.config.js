export default { build: { rollupOptions: { input: ["index.html", "guide/index.html", "plain.html"] } } };
