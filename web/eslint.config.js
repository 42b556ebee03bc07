import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/api/schema.d.ts"] },
  js.configs.recommended,
  {
    files: ["src/**/*.{ts,tsx}"],
    extends: [
      ...tseslint.configs.strictTypeChecked,
      reactHooks.configs.flat.recommended,
      jsxA11y.flatConfigs.strict,
    ],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { project: "./tsconfig.app.json", tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // numbers need no conversion in a template string
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // handlers are written as `onClick={() => doIt()}`
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      // callers of the fetch wrapper name the result type
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      // stores are objects of functions without `this`
      "@typescript-eslint/unbound-method": "off",
      "max-lines": ["error", { max: 350, skipBlankLines: true }],
    },
  },
  {
    files: ["*.{js,ts}", "checks/**/*.js"],
    languageOptions: { globals: globals.node },
  },
  { files: ["*.ts"], extends: [...tseslint.configs.recommended] },
);
