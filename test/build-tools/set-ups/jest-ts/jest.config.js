// Packages that are ES modules, which TypeScript has to turn into CommonJS for Jest.
const modules = ["@certbound/.*", "jose", "oauth4webapi"];

module.exports = {
  transform: { "\\.[jt]s$": "ts-jest" },
  transformIgnorePatterns: [`/node_modules/(?!(${modules.join("|")})/)`],
};
