/** API keys, and the links and sessions of people who open a page. */
export { type ApiKey, ApiKeys, type CreatedKey, type Grant, type KeyOptions, type KeyScope } from './api-keys.ts'
export { keysSchema } from './key-statements.ts'
