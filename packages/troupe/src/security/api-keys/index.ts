/** API keys, and the links and sessions of people who open the studio. */

export { keysSchema, openedBySchema } from './api-key-statements.ts'
export { type ApiKey, ApiKeys, type CreatedKey, type Grant, type KeyOptions, type OpenedSession } from './api-keys.ts'
export { type KeyScope, taintOfAgent } from './key-issuer.ts'
