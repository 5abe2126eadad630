// From the project's folder: tests/site/node_modules/.bin/eslint -c tests/site/eslint.config.js nbs/site tests/site
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/node_modules/"] },
  js.configs.recommended,
  {
    files: ["nbs/site/*.js"],
    languageOptions: { globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: true },
    rules: {
      eqeqeq: "error",
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": "error",
      complexity: ["error", 12],
      "max-lines-per-function": ["error", 60],
    },
  },
  { files: ["tests/site/*.js"], languageOptions: { globals: globals.node } },
];
