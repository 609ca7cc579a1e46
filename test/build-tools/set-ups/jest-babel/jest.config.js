// Packages that are ES modules, which Babel has to turn into CommonJS for Jest.
const modules = ["@certbound/.*", "jose", "oauth4webapi"];

module.exports = {
  transformIgnorePatterns: [`/node_modules/(?!(${modules.join("|")})/)`],
};
