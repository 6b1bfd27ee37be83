/** Where the code of the evaluator's thread is. */
import { existsSync } from 'node:fs'

/**
 * The file of the thread, beside the code that starts it; in a program of one file the code itself, as a `data:` URL.
 * @throws Error if there is neither
 */
export async function findEvaluatorThread(): Promise<URL> {
  // A bundle in the CommonJS format has no import.meta.url.
  const url = import.meta.url as string | undefined
  if (url !== undefined) {
    const entry = new URL(url.endsWith('.ts') ? './evaluator-thread.ts' : './evaluator-thread.js', url)
    if (existsSync(entry)) return entry
  }
  const { evaluatorCode } = await import('./evaluator-code.ts')
  if (evaluatorCode === undefined) throw new Error('The file evaluator-thread.js of the package is missing.')
  return new URL(`data:text/javascript,${encodeURIComponent(evaluatorCode)}`)
}
