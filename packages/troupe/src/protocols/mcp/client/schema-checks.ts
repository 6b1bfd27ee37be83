/**
 * What the schemas of one server say of arguments and results. Each has an engine of its own: one that all share keeps
 * every schema that it was ever given, and takes the schema of another tool, or of another server, for this one where both
 * say the same `$id`. The server writes the schema and what it is tried on, and so decides how long that takes: both are
 * broken off.
 */
import { createContext, Script } from 'node:vm'
import type { JsonSchemaType, JsonSchemaValidator, jsonSchemaValidator } from '@modelcontextprotocol/client'
import { LRUCache } from 'lru-cache'
import { hashJson, type Json } from '../../../core/index.ts'

/** As many as one server may have tools. */
const maxSchemas = 1_000
const readMs = 2_000
const checkMs = 250

type Check = JsonSchemaValidator<unknown>

/** The limit of a script holds for what it calls, expressions that match for ever included. */
function createBound() {
  const sandbox: { work?: () => unknown } = {}
  createContext(sandbox)
  const script = new Script('work()')
  return <T>(work: () => T, timeoutMs: number): T => {
    sandbox.work = work
    try {
      return script.runInContext(sandbox, { timeout: timeoutMs }) as T
    } finally {
      delete sandbox.work
    }
  }
}

const isTimeout = (error: unknown) => (error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'

/** @returns what reads schemas; it throws for one that cannot be read, or not in time */
export async function createSchemaChecks(): Promise<jsonSchemaValidator> {
  const { AjvJsonSchemaValidator } = await import('@modelcontextprotocol/client/validators/ajv')
  const bound = createBound()
  const read = new LRUCache<string, { readonly check: Check } | { readonly problem: unknown }>({ max: maxSchemas })
  const readNow = (schema: JsonSchemaType) => {
    try {
      const check = bound(() => new AjvJsonSchemaValidator().getValidator<unknown>(schema), readMs)
      return { check }
    } catch (problem) {
      return { problem: isTimeout(problem) ? new Error(`it takes longer than ${readMs} ms to read`) : problem }
    }
  }
  return {
    getValidator<T>(schema: JsonSchemaType) {
      const hash = hashJson(schema as Json)
      const found = read.get(hash) ?? readNow(schema)
      read.set(hash, found)
      if ('problem' in found) throw found.problem
      const { check } = found
      return ((input) => {
        try {
          return bound(() => check(input), checkMs)
        } catch (error) {
          if (!isTimeout(error)) throw error
          return { valid: false, data: undefined, errorMessage: `it takes longer than ${checkMs} ms to check` }
        }
      }) as JsonSchemaValidator<T>
    },
  }
}
