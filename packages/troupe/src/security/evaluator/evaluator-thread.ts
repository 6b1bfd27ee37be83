/**
 * The thread of the evaluator: receives a schema and perhaps a value, and answers with the error; or a cron text, and
 * answers with its times; or patterns with keys, and answers which keys match. The process ends the thread when a deadline
 * passes, and the engine ends it when the memory limit is reached. Loads nothing of other modules.
 */
import { parentPort } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import type { EvaluatorReply, EvaluatorRequest } from './evaluator-worker.ts'
import { KeyMatcher } from './key-matcher.ts'
import { scheduleTimes } from './schedule-times.ts'

const maxSchemas = 1_000
const problemLength = 2_000

const port = parentPort
if (!port) throw new Error('This file runs as a thread of its own.')
const { AjvJsonSchemaValidator } = await import('@modelcontextprotocol/client/validators/ajv')

type Check = (value: unknown) => { readonly valid: boolean; readonly errorMessage?: string | undefined }
const compiled = new LRUCache<string, Check>({ max: maxSchemas })

/** Each schema has a separate engine: a shared engine confuses two schemas that declare the same `$id`. */
function compile(text: string): Check {
  const check = compiled.get(text) ?? new AjvJsonSchemaValidator().getValidator<unknown>(JSON.parse(text))
  compiled.set(text, check)
  return check
}

type Answer = Omit<EvaluatorReply, 'elapsedMs'>
const unusable = (error: unknown): Answer => ({ unusable: (error as Error).message.slice(0, problemLength) })

function evaluate(request: EvaluatorRequest): Answer {
  if ('schema' in request) return checkSchema(request)
  if ('matches' in request) return { matches: request.matches.map(({ pattern, keys }) => matchedOf(pattern, keys)) }
  try {
    return { times: scheduleTimes(request.times) }
  } catch (error) {
    return unusable(error)
  }
}

function matchedOf(pattern: string, keys: readonly string[]): readonly boolean[] {
  const matcher = new KeyMatcher(pattern)
  return keys.map((key) => matcher.matches(key))
}

function checkSchema({ schema, value }: Extract<EvaluatorRequest, { readonly schema: string }>): Answer {
  let check: Check
  try {
    check = compile(schema)
  } catch (error) {
    return unusable(error)
  }
  if (value === undefined) return {}
  const { valid, errorMessage = 'it does not fit' } = check(JSON.parse(value))
  return valid ? {} : { mismatch: errorMessage.slice(0, problemLength) }
}

port.on('message', (request: EvaluatorRequest) => {
  const started = performance.now()
  const reply = evaluate(request)
  port.postMessage({ ...reply, elapsedMs: performance.now() - started } satisfies EvaluatorReply)
})
// The first engine takes far longer to create than later ones, so it is created before the first request.
compile('{}')
port.postMessage('ready')
