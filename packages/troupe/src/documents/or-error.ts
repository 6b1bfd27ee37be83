/** Errors of models as values, so that a search continues without the model. */
import { CancelledError } from '../core/index.ts'

/** Returns the error of a model as a value; throws if the caller cancelled. */
export async function orError<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T | Error> {
  try {
    return await ask()
  } catch (error) {
    if (signal?.aborted || error instanceof CancelledError) throw error
    return error instanceof Error ? error : new Error(String(error))
  }
}
