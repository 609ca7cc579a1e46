// TypeScript has to transform these ES modules to CommonJS for Jest.
const modules = ["@certbound/.*", "jose", "oauth4webapi"];

module.exports = {
  transform: { "\\.[jt]s$": "ts-jest" },
  transformIgnorePatterns: [`/node_modules/(?!(${modules.join("|")})/)`],
};
