/** One line of `outputs.jsonl`: what a model said that no model should say, and how a turn ends that hears it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Output {
  /** What is wrong with it. */
  readonly class: string
  readonly name: string
  /** How it came: over HTTP in a provider's protocol, or as the object that a provider's package hands over. */
  readonly protocol: 'chat' | 'responses' | 'anthropic' | 'seam'
  readonly stream: boolean
  /** The body of the response; `REPEAT` in it stands for `repeat`. */
  readonly body?: string
  /** The body in base64, where it is not UTF-8. */
  readonly bytes?: string
  readonly repeat?: { readonly of: string; readonly times: number }
  /** Follows the body without end; `COUNT` in it counts. */
  readonly endless?: string
  readonly status?: number
  readonly type?: string
  /** At the seam: the result of `doGenerate`, or the parts of `doStream`. */
  readonly answer?: unknown
  /** Said again after the results of its calls. */
  readonly always?: boolean
  /** Said in so many turns. */
  readonly turns?: number
  /** Nothing ends it but its caller. */
  readonly timeout?: boolean
  /** `completed`, or the code of the error. */
  readonly ends: string
}

export const readOutputs = (): readonly Output[] =>
  readFileSync(join(import.meta.dirname, 'outputs.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Output)
