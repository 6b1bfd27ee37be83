/** A line of JSON for what happens, with durations and sizes and never a payload; a line of one's own says whose step it is. */
import { randomUUID } from 'node:crypto'
import { createTroupe, defineAgent, type Troupe } from 'troupe'

const sizeOf = (value: unknown): number => JSON.stringify(value).length

/** The start, the end and the failure of a request, under one id, beside what the troupe says by itself. */
export async function logged<In, Out>(
  { log }: Troupe,
  action: string,
  request: In,
  run: (request: In) => Promise<Out>,
): Promise<Out> {
  const about = log.child({ action, request_id: randomUUID() })
  const began = performance.now()
  about.info('request_start', { data_size: sizeOf(request) })
  try {
    const result = await run(request)
    about.info('request_complete', { duration: performance.now() - began, result_size: sizeOf(result) })
    return result
  } catch (error) {
    about.error('request_error', { duration: performance.now() - began, error_type: (error as Error).name })
    throw error
  }
}

export async function main() {
  const lines: { readonly [field: string]: unknown }[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  await using troupe = await createTroupe({ storage: 'memory:', log: { level: 'debug', format: 'json', destination } })
  const counter = defineAgent({
    name: 'Counter',
    run: (text: string) => {
      if (text === '') throw new TypeError('there is nothing to count')
      troupe.log.info('counted', { words: text.split(' ').length })
      return 'private'
    },
  })
  const session = troupe.user('ada').session(counter)
  const ask = (text: string) => logged(troupe, 'count', text, (request) => session.generate(request))
  await ask('a secret')
  await ask('').catch(() => {})
  return lines
}

if (import.meta.main) console.log(await main())
