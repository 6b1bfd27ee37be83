/** Cassettes: traffic of models and tools, recorded once and played again. */
export { type CassetteMode, type CassetteStore, openCassette } from './cassette.ts'
export { tapedModel } from './taped-model.ts'
