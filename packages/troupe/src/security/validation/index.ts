/** Validation of input, and escapes for output. */
export * from './escapes.ts'
export { type EmailOptions, type NumberOptions, type TextOptions, type UrlOptions, validators } from './validators.ts'
