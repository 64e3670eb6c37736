import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['**/dist/', '**/*.min.js', 'target/', '.forge-remote/', 'benches/'] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'smart'],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-promise-executor-return': 'error',
      // Text of elsewhere is never read as HTML.
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map((property) => ({ property })),
      ],
    },
  },
  {
    files: ['frontend/*/src/**', 'frontend/remote/**', 'src/emulator/**', 'tests/browser/every-call/**'],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ['**/*.jsx'],
    languageOptions: { parserOptions: { ecmaFeatures: { jsx: true } } },
    // ESLint alone does not see that `<Panel />` uses `Panel`.
    rules: { 'no-unused-vars': ['error', { varsIgnorePattern: '^([A-Z]|React$)' }] },
  },
  {
    files: ['tests/browser/*.js', 'tests/browser/stage/**', 'tests/docs/**', 'tests/manifest/**', 'frontend/tests/**', '*.config.js', 'frontend/*/vite.config.js', 'examples/**'],
    languageOptions: { globals: globals.node },
  },
];
