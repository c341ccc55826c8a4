import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['**/dist/', 'out/', 'runs/', 'coverage/', 'packages/autograd/src/onnx/generated/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strict, tseslint.configs.recommendedTypeCheckedOnly],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
      'no-console': 'error',
      // What is left to do is an issue, not a comment.
      'no-warning-comments': 'error',
      'prefer-const': 'error',

      // With noUncheckedIndexedAccess, `!` is how code says that an index was checked above.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Messages print shapes, which are arrays of numbers.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowArray: true, allowNumber: true }],
      // An async function without await is how an implementation without waiting meets an interface with it.
      '@typescript-eslint/require-await': 'off',
      // A leading underscore marks a parameter that only holds its place.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
    },
  },
  // The console is how a command and a tool speak.
  { files: ['apps/**', 'tools/**', 'docs/**'], rules: { 'no-console': 'off' } },
);
