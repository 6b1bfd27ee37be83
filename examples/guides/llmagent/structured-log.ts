/** A line of JSON for each event, with duration and sizes and never a payload. */
import { createTroupe, LlmAgent, type Troupe, type TroupeEvent } from 'troupe'
import { MockModel } from 'troupe/testing'

export const logEvents = (troupe: Troupe, write: (line: string) => void): (() => void) =>
  troupe.on('*', ({ type, at, ...data }: TroupeEvent) =>
    write(JSON.stringify({ timestamp: new Date(at).toISOString(), event_type: type, data })),
  )

/** Events of one's own stand beside them: the start, the end and the failure of a request. */
export async function logged<Out>(
  write: (line: string) => void,
  action: string,
  run: () => Promise<Out>,
): Promise<Out> {
  const began = performance.now()
  const log = (type: string, data: object) => write(JSON.stringify({ event_type: type, data: { action, ...data } }))
  log('request_start', {})
  try {
    const result = await run()
    log('request_complete', { duration: performance.now() - began, result_size: JSON.stringify(result).length })
    return result
  } catch (error) {
    log('request_error', { duration: performance.now() - began, error_type: (error as Error).name })
    throw error
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const lines: string[] = []
  logEvents(troupe, (line) => lines.push(line))
  const session = troupe
    .user('ada')
    .session(new LlmAgent({ name: 'Talker', model: new MockModel({ responses: ['private'] }) }))
  await logged(
    (line) => lines.push(line),
    'chat',
    () => session.chat('secret'),
  )
  await logged(
    (line) => lines.push(line),
    'chat',
    () => Promise.reject(new TypeError('no')),
  ).catch(() => {})
  return {
    types: lines.map((line) => JSON.parse(line).event_type as string),
    payload: /secret|private/.test(lines.join()),
  }
}

if (import.meta.main) console.log(await main())
