module.exports = (config) => { config.addPassthroughCopy("assets"); };
