/** The offline extractive model. */
export { extractiveModel } from './extractive-model.ts'
