import { createWriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Transform, Writable } from 'node:stream'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { createEvents, type EventFields, type TroupeEvent } from '../../core/index.ts'
import { logEvents } from './log-events.ts'
import { checkLogConfig, createPinoLog } from './pino-log.ts'

const capture = () => {
  const lines: string[] = []
  return { lines, write: (line: string) => void lines.push(line) }
}
const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>)

describe('logs', () => {
  it('The log writes JSON lines with the fields of its parents, and redacts secrets.', async () => {
    const out = capture()
    const log = (await createPinoLog({ level: 'info', destination: out, redact: ['order.card'] })).child({
      runId: 'r1',
    })
    log.debug('not said')
    log.info('opened', { location: 'memory:', config: { password: 'hunter2', apiKey: 'k' }, token: 't' })
    log.info('paid', { order: { card: '4111', total: 3 } })
    log.error('failed', { error: new TypeError('no') })
    expect(out.lines).toHaveLength(3)
    expect(parsed(out.lines)[0]).toMatchObject({ msg: 'opened', runId: 'r1', location: 'memory:', token: '[redacted]' })
    expect(out.lines.join()).not.toMatch(/hunter2|"k"|4111/)
    expect(parsed(out.lines)[2]?.err).toMatchObject({ type: 'TypeError', message: 'no' })
  })
  it('The log redacts secrets at each level, in lists, errors and parents, and leaves its input unchanged.', async () => {
    const out = capture()
    const log = await createPinoLog({ level: 'info', destination: out })
    const inner = Object.freeze({ secret: ['hidden-2'], b: { authorization: 'hidden-3' }, n: 1 })
    const fields = Object.freeze({ cookie: 'hidden-1', a: inner })
    log.info('said', fields)
    log.info('listed', { keys: [{ api_key: 'hidden-4' }, { name: 'kept' }] })
    log.error('failed', { error: Object.assign(new Error('no'), { token: 'hidden-5', status: 401 }) })
    log.child({ config: { apiKey: 'hidden-6' } }).info('of a child')
    expect(out.lines).toHaveLength(4)
    expect(out.lines.join()).not.toMatch(/hidden-\d/)
    expect(parsed(out.lines)).toMatchObject([
      { cookie: '[redacted]', a: { secret: '[redacted]', b: { authorization: '[redacted]' }, n: 1 } },
      { keys: [{ api_key: '[redacted]' }, { name: 'kept' }] },
      { err: { message: 'no', token: '[redacted]', status: 401 } },
      { config: { apiKey: '[redacted]' } },
    ])
    expect(fields).toEqual({ cookie: 'hidden-1', a: { secret: ['hidden-2'], b: { authorization: 'hidden-3' }, n: 1 } })
  })
  it('The log contains the context of each line, through everything started there.', async () => {
    const out = capture()
    const events = createEvents(() => {})
    const log = await createPinoLog({ level: 'info', destination: out, eventContext: () => events.eventContext() })
    await events.within({ userId: 'ada', runId: 'r1', stepId: 's1', trace: 't1', span: 'p1' }, async () => {
      await Promise.resolve()
      log.child({ log: 'context' }).info('within')
    })
    log.info('outside')
    expect(parsed(out.lines)).toMatchObject([
      { msg: 'within', log: 'context', userId: 'ada', runId: 'r1', stepId: 's1', trace: 't1', span: 'p1' },
      { msg: 'outside' },
    ])
    expect(parsed(out.lines)[1]).not.toHaveProperty('runId')
  })
  it('The log changes its level at run time, for existing children too.', async () => {
    const out = capture()
    const log = await createPinoLog({ level: 'error', destination: out })
    const child = log.child({ log: 'context' })
    child.info('too quiet')
    log.level = 'info'
    child.info('said')
    expect(parsed(out.lines).map(({ msg }) => msg)).toEqual(['said'])
    expect(() => {
      log.level = 'loud' as never
    }).toThrow(/not one of debug/)
  })
  it('The log redacts secrets at any depth and in any spelling, in circular values too.', async () => {
    const out = capture()
    const log = await createPinoLog({ level: 'info', format: 'json', destination: out })
    const deep = { a: { b: { c: { d: [{ e: { token: 'hidden-1' } }] } } } }
    const headers = {
      Authorization: 'hidden-2',
      'Set-Cookie': 'hidden-3',
      'API-Key': 'hidden-4',
      APIKEY: 'hidden-5',
      Accept: '*',
    }
    const itself: { secret: string; self?: unknown; list?: unknown[] } = { secret: 'hidden-6' }
    itself.self = itself
    itself.list = [{ itself }]
    const shared = { password: 'hidden-7' }
    log.info('asked', { deep, headers, itself: itself as never, twice: [shared, shared], tokens: 3 })
    const [line = ''] = out.lines
    expect(line).not.toContain('hidden')
    expect(JSON.parse(line)).toMatchObject({
      deep: { a: { b: { c: { d: [{ e: { token: '[redacted]' } }] } } } },
      headers: { Authorization: '[redacted]', Accept: '*' },
      itself: { secret: '[redacted]', self: '[Circular]', list: [{ itself: '[Circular]' }] },
      twice: [{ password: '[redacted]' }, { password: '[redacted]' }],
      tokens: 3,
    })
    expect(headers.Authorization).toBe('hidden-2')
  })

  it('The log contains no registered secret, wherever it is in a line.', async () => {
    const out = capture()
    const log = await createPinoLog({ destination: out, redactText: (line) => line.replaceAll('sk-12345', '[secret]') })
    log.warn('asked with sk-12345', { url: 'https://x.test/?key=sk-12345', error: new Error('bad key sk-12345') })
    expect(out.lines.join()).not.toContain('sk-12345')
  })
  it('The log never fails its caller, whatever the sink does and the values are.', async () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const hostile = {
      toJSON: () => circular,
      get broken(): string {
        throw new Error('read')
      },
    }
    const broken = {
      write: () => {
        throw new Error('EPIPE')
      },
    }
    const rejecting = { write: () => Promise.reject(new Error('ENOSPC')) }
    for (const destination of [broken, rejecting]) {
      const log = await createPinoLog({ destination })
      expect(() => log.warn('lost', { hostile: hostile as never })).not.toThrow()
    }
  })
  it('The log writes an error that has a field, a text or a cause that cannot be read, and redacts its secrets.', async () => {
    const out = capture()
    const log = await createPinoLog({ destination: out })
    const unreadable = (name: string, error: Error) =>
      Object.defineProperty(error, name, {
        enumerable: true,
        get: () => {
          throw new Error('read')
        },
      })
    const secret = { token: 'hidden-1' }
    log.error('own', { runId: 'r', error: unreadable('url', Object.assign(new TypeError('no'), secret)) })
    log.error('nested', { error: Object.assign(new Error('no'), { detail: unreadable('url', new Error('inner')) }) })
    log.error('cause', { error: new Error('no', { cause: unreadable('stack', new Error('inner')) }) })
    log.error('text', { error: unreadable('message', new Error('no')) })
    expect(out.lines.join()).not.toContain('hidden')
    expect(parsed(out.lines)).toMatchObject([
      {
        msg: 'own',
        runId: 'r',
        err: { type: 'TypeError', message: 'no', stack: expect.stringContaining('TypeError: no') },
      },
      { msg: 'nested', err: { type: 'Error', message: 'no' } },
      { msg: 'cause', err: { message: 'no' } },
      { msg: 'text', err: { type: 'Error' } },
    ])
    expect(log.lines).toEqual({ written: 4, lost: 0 })
  })
  it.each([
    ['a missing folder', () => createWriteStream(join(tmpdir(), 'troupe-no-such-folder', 'app.log'))],
    ['a full disk', () => createWriteStream('/dev/full')],
    ['a failing stream', () => new Writable({ write: (_chunk, _encoding, done) => done(new Error('no')) })],
    ['a missing folder of pino.destination', () => pino.destination({ dest: '/proc/none/app.log', sync: false })],
  ])('The log counts the lines of %s as lost, and the process continues.', async (_name, open) => {
    const destination = open()
    const logs = [await createPinoLog({ destination }), await createPinoLog({ destination })]
    for (const log of logs) log.warn('said')
    await expect.poll(() => logs.reduce((sum, { lines }) => sum + (lines?.lost ?? 0), 0)).toBeGreaterThan(0)
    for (const log of logs) expect(() => log.warn('said later')).not.toThrow()
    expect(destination.listenerCount('error')).toBeLessThan(3)
  })
  it('The log counts a line with a field that cannot be read as lost.', async () => {
    const out = capture()
    const log = await createPinoLog({ destination: out })
    const fields = {
      get broken(): string {
        throw new Error('read')
      },
    }
    log.warn('lost', fields)
    log.warn('written')
    expect(log.lines).toEqual({ written: 1, lost: 1 })
  })
  it('The log is pretty-printed for a person if configured.', async () => {
    const out = capture()
    const log = await createPinoLog({ destination: out, format: 'pretty' })
    log.warn('slow', { durationMs: 17 })
    expect(out.lines.join('')).toMatch(/WARN.*slow/)
    expect(out.lines.join('')).toContain('durationMs: 17')
  })
  it('The log gives the level of each line to the streams of pino that select lines by it.', async () => {
    const everything = capture()
    const errors = capture()
    const destination = pino.multistream([
      { level: 'debug', stream: everything },
      { level: 'error', stream: errors },
    ])
    for (const format of ['json', 'pretty'] as const) {
      const log = await createPinoLog({ level: 'debug', format, destination })
      log.debug('asked')
      log.child({ runId: 'r' }).error('failed')
    }
    expect(parsed(everything.lines.slice(0, 2)).map(({ msg }) => msg)).toEqual(['asked', 'failed'])
    expect(parsed(errors.lines.slice(0, 1)).map(({ msg }) => msg)).toEqual(['failed'])
    // A formatted line has no level, so each stream gets it.
    expect(everything.lines.slice(2).join('')).toMatch(/DEBUG: asked[\s\S]*ERROR: failed/)
    expect(errors.lines.slice(1).join('')).toMatch(/DEBUG: asked[\s\S]*ERROR: failed/)
  })
  it('The log rejects a logger and a stream of objects as its destination, and says what it needs.', () => {
    const objects = new Transform({ objectMode: true })
    for (const destination of [pino(capture()), objects] as never[])
      expect(() => checkLogConfig({ destination })).toThrow(/docs\/observability.md/)
    expect(() => checkLogConfig({ destination: objects })).toThrow(/a stream of objects/)
    expect(checkLogConfig({ destination: new Transform() })).toBeDefined()
  })
  it('The log rejects unknown options and levels.', () => {
    expect(() => checkLogConfig({ levle: 'info' } as never)).toThrow(/no option levle/)
    expect(() => checkLogConfig('loud' as never)).toThrow(/not one of debug/)
    expect(() => checkLogConfig({ format: 'xml' as never })).toThrow(/json, pretty, auto/)
  })
})

describe('the logs of a troupe', () => {
  it('The logs of a troupe separate context, performance and security, each at its level.', async () => {
    const out = capture()
    const events = createEvents(() => {})
    /** Of an event, some of its fields. */
    const emit = (event: EventFields) => events.emit(event as TroupeEvent)
    const off = logEvents(events, await createPinoLog({ level: 'debug', destination: out }))
    emit({ type: 'context.pushed', at: 0, userId: 'ada', key: 'k' })
    emit({ type: 'tool.called', at: 0, tool: 'delete_topic', durationMs: 3, security: true })
    emit({ type: 'incident.recorded', at: 0, agent: 'A', action: 'push_context', code: 'tool.denied' })
    emit({ type: 'alert.raised', at: 0, alert: 'slow-calls', value: 1_200 })
    emit({ type: 'work.stalled', at: 0, kind: 'step', id: 'a#1' })
    off()
    emit({ type: 'context.pushed', at: 0 })
    expect(parsed(out.lines).map(({ log, level, msg }) => [log, level, msg])).toEqual([
      ['context', 20, 'context.pushed'],
      ['security', 30, 'tool.called'],
      ['performance', 20, 'tool.called'],
      ['security', 30, 'incident.recorded'],
      ['performance', 40, 'alert.raised'],
      ['performance', 40, 'work.stalled'],
    ])
  })
})
