import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/api/schema.d.ts", "playwright-report", "test-results"] },
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
      // a number in a template string says what it means
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `onClick={() => doIt()}` is how handlers are written
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      // the caller of the wrapper says what comes back
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      // stores are objects of functions, none uses `this`
      "@typescript-eslint/unbound-method": "off",
      "max-lines": ["error", { max: 350, skipBlankLines: true }],
    },
  },
  {
    files: ["*.{js,ts}", "e2e/**/*.ts", "scripts/**/*.{js,mjs,ts}"],
    languageOptions: { globals: globals.node },
  },
  { files: ["*.ts", "e2e/**/*.ts", "scripts/**/*.ts"], extends: [...tseslint.configs.recommended] },
);
