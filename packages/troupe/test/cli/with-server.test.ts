/** The program beside a server: every command that asks one, and whoever has no key. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, ended, Folder, untilPrinted } from './cli-process.ts'

const host = 'h'.repeat(40)
const folder = new Folder()
let server: ReturnType<Folder['spawn']>
let url = ''

beforeAll(async () => {
  copyFileSync(join(import.meta.dirname, 'team.config.ts'), join(folder.path, 'troupe.config.ts'))
  const own = { TROUPE_SERVER_KEY: host, TROUPE_MESSAGING_MAX_ATTEMPTS: '1' }
  server = folder.spawn(['serve', '--port', '0', '--json'], { env: own })
  url = JSON.parse((await untilPrinted(server, /"serving".*\n/)).trim()).url
  env.TROUPE_URL = url
})
afterAll(() => folder[Symbol.dispose]())

const env: { TROUPE_API_KEY: string; TROUPE_URL?: string } = { TROUPE_API_KEY: host }
const asked = <T = Record<string, unknown>>(...args: string[]) => folder.json<T>(args, { env })

async function posted(path: string, body: unknown): Promise<Record<string, unknown>> {
  const headers = { 'x-api-key': host, 'content-type': 'application/json' }
  const answer = await fetch(new URL(path, url), { method: 'POST', headers, body: JSON.stringify(body) })
  return (await answer.json()) as Record<string, unknown>
}

describe('the program beside a server', () => {
  it('A command without an address asks the owner of the file.', async () => {
    const found = await folder.run(['health', '--ready', '--json'], { env: { TROUPE_API_KEY: host } })
    expect(JSON.parse(found.out)).toEqual({ location: url, status: 'ready' })
  })

  it('The file of a team is not mistaken for a team of the server.', async () => {
    writeFileSync(join(folder.path, 'mine.yaml'), 'agents: { Mine: { instructions: The sky is green. } }\n')
    for (const command of [
      ['run', 'mine.yaml', 'x'],
      ['check', 'mine.yaml'],
      ['load', 'mine.yaml'],
      ['runs', 'resume', 'r', '--team-file', 'mine.yaml'],
    ]) {
      const { code, out, error } = await folder.run(command, { env })
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(error).toContain('mine.yaml is a file here')
    }
    const here = await folder.run(['run', 'mine.yaml', 'What is the sky?', '--storage', 'memory:'])
    expect(here).toMatchObject({ code: 0, out: expect.stringContaining('Mine is done') })
  })

  it('The doctor asks the owner of the file, and checks the local project.', async () => {
    writeFileSync(join(folder.path, 'package.json'), '{}')
    const found = await folder.run(['doctor', '--json'], { env: { TROUPE_API_KEY: host } })
    rmSync(join(folder.path, 'package.json'))
    const { checks } = JSON.parse(found.out) as {
      readonly checks: readonly { id: string; status: string; evidence: string }[]
    }
    const of = (id: string) => checks.find((check) => check.id === id)
    // Only a server at work hears SIGTERM, and shows its metrics.
    expect(of('shutdown.graceful')).toMatchObject({
      status: 'pass',
      evidence: expect.stringContaining('the application handles the signal'),
    })
    expect(of('metrics.read')).toMatchObject({ status: 'pass' })
    expect(of('project.lockfile')).toMatchObject({ status: 'fail' })
    expect(found.code).toBe(1)
    expect((await folder.run(['doctor', '--url', url, '--no-project'], { env: {} })).code).toBe(3)
    expect((await folder.run(['doctor', '--url', 'http://127.0.0.1:1'])).code).toBe(5)
  })

  it('The context commands write, read and watch entries through a server.', async () => {
    const watching = folder.spawn(['context', 'watch', '--pattern', 'orders.*', '--from', '0', '--json'], { env })
    const seen = untilPrinted(watching, /"put".*orders\.17/)
    const red = '{"colour":"\\u001b[31mred"}'
    expect(await asked('context', 'set', 'orders.17', red, '--topics', 'orders')).toMatchObject({ version: 1 })
    const [value, entry, list, history, stats, topics, shown] = await Promise.all([
      asked('context', 'get', 'orders.17'),
      asked('context', 'get', 'orders.17', '--entry'),
      asked<{ key: string }[]>('context', 'list', '--prefix', 'orders.', '--limit', '5'),
      asked<unknown[]>('context', 'history', 'orders.17'),
      asked('context', 'stats'),
      asked<{ topic: string }[]>('context', 'topics'),
      folder.run(['context', 'list'], { env }),
    ])
    expect(value).toEqual({ colour: '\u001b[31mred' })
    expect(entry).toMatchObject({ key: 'orders.17', owner: 'host', version: 1 })
    expect([list.map(({ key }) => key), history.length, stats.entries]).toEqual([['orders.17'], 1, 1])
    expect(topics).toMatchObject([{ topic: 'orders', subscribers: 0 }])
    expect(shown.out).toContain('\\u001b[31mred')
    expect(shown.out).not.toContain('\u001b')
    await seen
    watching.kill('SIGINT')
    expect((await ended(watching)).code).toBe(130)
    const stale = await folder.run(['context', 'set', 'orders.17', '1', '--if-version', '7'], { env })
    expect(stale.code).toBe(1)
    expect(await asked('context', 'delete', 'orders.17')).toEqual({ deleted: true })
  })

  it('The commands of runs list, show, replay, fork and cancel runs through a server.', async () => {
    expect((await folder.run(['run', 'Echo', 'hello', '--id', 'one', '--tags', 'a,b'], { env })).code).toBe(0)
    const { run: bill } = await asked<{ run: string }>('run', 'Payer', 'x', '--id', 'bill', '--detach')
    const evaluated = await asked<{ total: object }>('runs', 'evaluate', 'one', '--score', 'exact', '--id', 'same')
    expect(evaluated.total).toMatchObject({ scored: 1, same: 1 })
    expect((await folder.run(['runs', 'evaluate', '--score', 'exact'], { env })).code).toBe(2)
    const above = ['runs', 'evaluate', 'one', '--score', 'exact', '--fail-under']
    expect((await folder.run([...above, '1'], { env })).code).toBe(0)
    expect((await folder.run([...above, '90'], { env })).code).toBe(2)
    const schema = '{"type":"number"}'
    const below = await folder.run(['runs', 'evaluate', 'one', '--score', schema, '--fail-under', '0.9'], { env })
    expect([below.code, below.error]).toEqual([1, expect.stringContaining('The mean quality 0 is not 0.9 or more.')])
    expect(await asked('runs', 'at', 'one', '2')).toMatchObject({ run: 'one', seq: 2 })
    expect(await asked('runs', 'inspect', 'one')).toMatchObject({ status: 'completed' })
    const [list, show, why, replay, compare, uncertain, exported, undoResults, retry] = await Promise.all([
      asked<{ id: string; tags: string[] }[]>('runs', 'list', '--order', 'newest'),
      asked('runs', 'show', 'one'),
      asked<{ sentences: unknown[] }>('runs', 'why', 'one'),
      asked('runs', 'verify-replay', 'one'),
      asked('runs', 'compare', 'one', 'one'),
      asked('runs', 'uncertain', 'one'),
      asked('runs', 'export', 'one'),
      asked('runs', 'undo', 'one'),
      folder.run(['runs', 'retry', 'one'], { env }),
    ])
    expect(list.map(({ id }) => id).sort()).toEqual(['bill', 'one'])
    expect(show).toMatchObject({ status: 'completed', response: 'You said hello' })
    expect(why.sentences.length).toBeGreaterThan(0)
    expect([replay, compare]).toMatchObject([{ identical: true }, { identical: true }])
    expect([uncertain, undoResults]).toEqual([[], []])
    expect(exported).toMatchObject({ version: 1, run: 'one' })
    expect(retry).toMatchObject({ code: 1, error: expect.stringContaining('it has not failed') })
    const events = (await folder.run(['runs', 'events', 'one', '--json'], { env })).out.trim().split('\n')
    const steps = events.map((line) => JSON.parse(line) as { seq: number; type: string })
    expect(steps.at(-1)?.type).toBe('run.completed')
    const at = String(steps.find(({ type }) => type === 'step.completed')?.seq)
    const edit = '{"results":{"Echo":"otherwise"}}'
    const { run: forked } = await asked<{ run: string }>('runs', 'fork', 'one', '--at', at, '--edit', edit)
    expect(await asked('runs', 'result', forked)).toMatchObject({ response: 'otherwise' })
    const waiting = await folder.json(['runs', 'result', bill], { env, code: 6 })
    expect(waiting).toMatchObject({ status: 'waiting' })
    expect(await asked('runs', 'cancel', bill)).toMatchObject({ status: 'cancelled' })
  })

  it('The list of the runs of all users has the user of each run, and accepts no other filter than the status.', async () => {
    await asked('run', 'Echo', 'hi', '--id', 'of-eve', '--user', 'eve', '--detach')
    await folder.run(['runs', 'result', 'of-eve', '--user', 'eve'], { env })
    const list = ['runs', 'list', '--all-users', '--status', 'ended']
    expect(await asked(...list)).toContainEqual(expect.objectContaining({ id: 'of-eve', user: 'eve', title: 'hi' }))
    expect((await folder.run([...list, '--limit', '1'], { env })).out).toMatch(/^USER +RUN .*\neve +of-eve +completed/)
    const rejected = await folder.run([...list, '--team', 'Echo'], { env })
    expect([rejected.code, rejected.error]).toEqual([2, expect.stringContaining('--all-users can be combined with')])
  })

  it('The commands of runs pause runs, set breakpoints, edit and step through a server.', async () => {
    await asked('run', 'Payer', 'x', '--id', 'held', '--detach')
    expect((await folder.run(['runs', 'result', 'held'], { env })).code).toBe(6)
    expect(await asked('runs', 'pause', 'held')).toMatchObject({ reason: 'paused' })
    expect(await asked('runs', 'show', 'held')).toMatchObject({ status: 'waiting', reason: 'paused' })
    expect(await asked('runs', 'resume', 'held')).toMatchObject({ run: 'held' })
    const waiting = await folder.json(['runs', 'result', 'held'], { env, code: 6 })
    expect(waiting).toMatchObject({ reason: 'question' })

    const config = { debug: { breakOn: [{ agent: 'Echo' }] } }
    await posted('/v1/runs', { id: 'stopped', task: 'this', agent: 'Echo', config })
    expect(await folder.json(['runs', 'result', 'stopped'], { env, code: 6 })).toMatchObject({ reason: 'breakpoint' })
    const { next } = await asked<{ next: { steps: { branch: string }[] } }>('runs', 'inspect', 'stopped')
    const inputs = JSON.stringify({ [next.steps[0]?.branch ?? '']: 'that' })
    expect(await asked('runs', 'edit', 'stopped', '--inputs', inputs)).toEqual({ ok: true })
    expect((await folder.run(['runs', 'edit', 'stopped'], { env })).code).toBe(2)
    expect(await asked('runs', 'break', 'stopped', '[]')).toEqual({ ok: true })
    expect(await asked('runs', 'step', 'stopped')).toMatchObject({ run: 'stopped' })
    expect(await asked('runs', 'result', 'stopped')).toMatchObject({ response: 'You said that' })
  })

  it('The commands of messages send, list dead letters and redrive through a server.', async () => {
    const sent = await asked('messages', 'send', 'Stock', 'order.place', '{"item":"tea"}', '--agent', 'Shop')
    expect(sent).toMatchObject({ from: 'Shop', to: 'Stock', payload: { item: 'tea' } })
    expect(await asked('messages', 'list', 'Stock')).toMatchObject([{ id: sent.id }])
    const { deliveries } = await posted('/v1/mailboxes/Stock/receive', {})
    const [{ delivery }] = deliveries as [{ delivery: string }]
    await posted('/v1/mailboxes/Stock/nack', { delivery, reason: 'no tea' })
    expect(await asked('messages', 'mailboxes')).toMatchObject([{ mailbox: 'Stock', dead: 1 }])
    expect(await asked('messages', 'dead-letters', 'Stock')).toMatchObject([{ message: { id: sent.id } }])
    expect(await asked('messages', 'redrive', 'Stock', '--all')).toMatchObject({ redriven: 1 })
    expect(await asked('messages', 'dead-letters', 'Stock')).toEqual([])
  })

  it('The commands of schedules create, pause, trigger and delete through a server.', async () => {
    const rejected = await folder.run(['schedules', 'create', 'nobody', '--every', '1h'], { env })
    expect(rejected.code).toBe(4)
    expect(await asked('schedules', 'create', 'echo', 'hi', '--id', 'hourly', '--every', '1h')).toMatchObject({
      id: 'hourly',
      state: 'active',
    })
    expect(await asked('schedules', 'list')).toMatchObject([{ id: 'hourly', team: 'echo', every: '1h' }])
    expect(await asked('schedules', 'pause', 'hourly')).toMatchObject({ state: 'paused', next: [] })
    expect(await asked('schedules', 'resume', 'hourly')).toMatchObject({ state: 'active' })
    const { run } = await asked<{ run: string }>('schedules', 'trigger', 'hourly')
    expect(await asked('runs', 'result', run)).toMatchObject({ response: 'You said hi' })
    expect(await asked('schedules', 'delete', 'hourly')).toEqual({ deleted: true })
    expect((await folder.run(['schedules', 'delete', 'hourly'], { env })).code).toBe(4)
  })

  it('An API key opens what its options allow until it is revoked, and a wrong key opens nothing.', async () => {
    const options = ['--role', 'readonly', '--users', 'ada']
    const made = await asked<{ id: string; key: string }>('api-keys', 'create', 'looker', ...options)
    const by = (key: string, ...args: string[]): Promise<Ended> =>
      folder.run([...args, '--url', url, '--user', 'ada', '--json'], { env: { TROUPE_API_KEY: key } })
    const [reads, writes, allUsers, runsOfAll, wrong, none] = await Promise.all([
      by(made.key, 'runs', 'list'),
      by(made.key, 'context', 'set', 'a', '1'),
      by(made.key, 'health'),
      by(made.key, 'runs', 'list', '--all-users'),
      by('w'.repeat(40), 'runs', 'list'),
      folder.run(['runs', 'list', '--url', url, '--json']),
    ])
    expect([reads.code, JSON.parse(reads.out)]).toEqual([0, []])
    expect([writes, allUsers, runsOfAll, wrong, none].map(({ code }) => code)).toEqual([3, 3, 3, 3, 3])
    expect(JSON.parse(wrong.error).error.code).toBe('request.anonymous')
    expect(await asked('api-keys', 'list')).toMatchObject([{ id: made.id, state: 'valid' }])
    const rotated = await asked<{ id: string; key: string }>('api-keys', 'rotate', made.id, '--overlap', '1h')
    expect((await by(made.key, 'runs', 'list')).code).toBe(0)
    expect((await by(rotated.key, 'runs', 'list')).code).toBe(0)
    await asked('api-keys', 'revoke', made.id)
    const { link } = await asked<{ link: string }>('api-keys', 'link', '--users', 'ada', '--role', 'readonly')
    const opened = await fetch(link, { redirect: 'manual' })
    expect([link.startsWith(`${url}/open?link=`), opened.status]).toEqual([true, 303])
    expect((await by(made.key, 'runs', 'list')).code).toBe(3)
  })

  it('The commands of operators show health, the audit log and versions through a server.', async () => {
    const [health, ready, versions, agents, drawn, list, incidents] = await Promise.all([
      asked<{ checks: unknown[] }>('health'),
      asked('health', '--ready'),
      asked('versions'),
      asked<{ name: string }[]>('agents'),
      asked('topology', 'draw', 'echo'),
      asked<{ operation: string }[]>('audit', 'list', '--all'),
      asked('audit', 'incidents'),
    ])
    expect(health.checks.length).toBeGreaterThan(3)
    expect(ready).toMatchObject({ status: 'ready', location: url })
    expect(versions).toMatchObject({
      staleRuns: [],
      agents: expect.arrayContaining([{ name: 'Echo', fingerprint: expect.any(String) }]),
    })
    expect(agents.map(({ name }) => name)).toContain('Echo')
    expect(drawn).toMatchObject({ mermaid: expect.stringContaining('Echo') })
    expect(list.map(({ operation }) => operation)).toContain('run.start')
    expect(incidents).toEqual(expect.any(Array))
  })

  it('The command `troupe load` ends with the result of its thresholds.', async () => {
    const load = ['load', 'Echo', '--concurrent', '2', '--total', '4', '--average', '60000']
    expect(await asked(...load)).toMatchObject({ passed: true, totalRequests: 4 })
    const failed = await folder.json<{ breaches: unknown[] }>([...load, '--per-second', '100000'], { env, code: 1 })
    expect(failed.breaches).toHaveLength(1)
  })

  it('The server drains at Ctrl-C, and ends with 0.', async () => {
    server.kill('SIGINT')
    expect(await new Promise((resolve) => server.once('exit', resolve))).toBe(0)
    const gone = await folder.run(['runs', 'list', '--url', url], { env })
    expect(gone.code).toBe(5)
  })
})
