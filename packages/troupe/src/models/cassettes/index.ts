/** Cassettes: traffic of models and tools, recorded once and played again. */
export { type CassetteMode, type CassetteStore, openCassette } from './cassette.ts'
export { recordedModel } from './recorded-model.ts'
