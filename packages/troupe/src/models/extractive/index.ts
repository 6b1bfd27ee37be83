/** The offline extractive model. */
export { extractiveModel } from './extractive-model.ts'
export { termsOf } from './text/terms.ts'
