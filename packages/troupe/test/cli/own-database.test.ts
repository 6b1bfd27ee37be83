/** The program on a database of its own, without a server. */
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, ended, environment, Folder, program, untilPrinted } from './cli-process.ts'

const team = join(import.meta.dirname, 'team.config.ts')

describe('the program on a database of its own', () => {
  const folder = new Folder()
  beforeAll(() => copyFileSync(team, join(folder.path, 'troupe.config.ts')))
  afterAll(() => folder[Symbol.dispose]())

  it('The command line ends with the status of the run: 1 if it failed, 6 if a person is asked.', async () => {
    const broken = await folder.run(['run', 'Broken', 'x'])
    expect(broken).toMatchObject({ code: 1, out: expect.stringContaining('out of \\u001b[31mpaper') })
    expect(broken.out + broken.error).not.toContain('\u001b')
    const waiting = await folder.run(['run', 'Payer', 'x', '--id', 'bill'])
    expect(waiting).toMatchObject({ code: 6, out: expect.stringContaining('May Payer call pay') })
    expect((await folder.run(['run', 'Signer', 'x'])).out).toContain('Pay \\u{430}dmin (mixes Latin and Cyrillic)?')
    const command = /troupe (runs answer .*)/.exec(waiting.out)?.[1] ?? ''
    const args = command.split(' ').map((word) => word.replace(/^'|'$/g, ''))
    // No server goes on with it: whoever answers sees it end.
    expect(await folder.run(args)).toMatchObject({ code: 0, out: expect.stringContaining('It is paid.') })
    expect(await folder.json(['runs', 'show', 'bill'])).toMatchObject({ status: 'completed' })
  })

  it('The command line carries a run that a command starts to its end or its next question, unless detached.', async () => {
    const last = ({ out }: Ended): unknown => JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')
    await folder.run(['run', 'Payer', 'x', '--id', 'rent'])
    const forked = await folder.run(['runs', 'fork', 'rent', '--at', '3', '--json'])
    expect([forked.code, last(forked)]).toMatchObject([6, { type: 'result', status: 'waiting' }])
    const { run } = last(forked) as { readonly run: string }
    const answered = await folder.run(['runs', 'answer', run, '1#1?/ask:approval#1', 'yes', '--detach'])
    expect(answered).toMatchObject({ code: 0, out: 'Answered.\n' })
    const resumed = await folder.run(['runs', 'resume', run, '--json'])
    expect([resumed.code, last(resumed)]).toMatchObject([0, { status: 'completed', response: 'It is paid.' }])
    // Whoever opens the database carries it on: it may be over before it is told to go on.
    const over = await folder.run(['runs', 'resume', run, '--json'])
    expect([over.code, last(over)]).toMatchObject([0, { status: 'completed', response: 'It is paid.' }])
    await folder.run(['run', 'Broken', 'x', '--id', 'broken'])
    const retried = await folder.run(['runs', 'retry', 'broken'])
    expect(retried).toMatchObject({ code: 1, out: expect.stringMatching(/Broken failed[\s\S]*status +failed/) })
    await folder.run(['schedules', 'create', 'echo', 'x', '--id', 'later', '--in', '1h'])
    const triggered = await folder.run(['schedules', 'trigger', 'later'])
    expect(triggered).toMatchObject({ code: 0, out: expect.stringContaining('You said x') })
  })

  it('The command line plans a fork and shows prompts with the agents of its folder.', async () => {
    const asGrace = ['--user', 'grace']
    await folder.run(['run', 'Thinker', 'x', '--id', 'idea', ...asGrace])
    expect(await folder.json(['runs', 'fork', 'idea', '--at', '3', '--plan', ...asGrace])).toMatchObject({
      sharedSteps: 0,
      paid: { calls: 1 },
    })
    expect(await folder.json(['runs', 'prompts', 'idea', '1#1', ...asGrace])).toHaveLength(1)
  })

  it('The lines of a chat continue one thread, which the list of threads has and a later chat continues.', async () => {
    const { out } = await folder.run(['chat', 'Echo', '--json'], { input: 'one\ntwo\n' })
    const [first, second] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly thread: string })
    const { thread = '' } = first ?? {}
    expect(second).toMatchObject({ thread, answer: 'You said two' })
    await folder.run(['chat', 'Echo', '--thread', thread], { input: 'three\n' })
    expect((await folder.run(['threads', 'list'])).out).toContain(thread)
    const { messages } = await folder.json<{ messages: { readonly text: string }[] }>(['threads', 'show', thread])
    expect(messages.map(({ text }) => text)).toEqual(
      ['one', 'two', 'three'].flatMap((line) => [line, `You said ${line}`]),
    )
  })

  it('The command line deletes a thread, and ends with an error for one that is not there.', async () => {
    await folder.run(['run', 'Echo', 'x', '--thread', 'trips'])
    expect((await folder.run(['threads', 'list'])).out).toContain('trips')
    expect(await folder.run(['threads', 'delete', 'trips'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('The thread trips is deleted.'),
    })
    expect((await folder.run(['threads', 'list'])).out).not.toContain('trips')
    const missing = await folder.run(['threads', 'delete', 'trips', '--with', 'Echo'])
    expect(missing.code).not.toBe(0)
    expect(missing.error).toContain('trips')
  })

  it('The command line shows usage by team, user and model, of one user or of all.', async () => {
    await folder.run(['run', 'Thinker', 'x', '--id', 'thought'])
    const { code, out } = await folder.run(['usage', '--by', 'model'])
    expect(code).toBe(0)
    expect(out).toMatch(/MODEL +RUNS +TOKENS IN +TOKENS OUT +TOKENS +COST/)
    const mock = { name: 'mock/mock', runs: expect.any(Number), unpriced: 0 }
    expect(await folder.json(['usage', '--by', 'model'])).toMatchObject([mock])
    expect(await folder.json(['usage'])).toContainEqual({
      name: 'Thinker',
      runs: 1,
      tokens: 1_000,
      inputTokens: 900,
      outputTokens: 100,
      cost: expect.closeTo(0.19),
      unpriced: 0,
    })
    expect(await folder.json(['usage', '--by', 'user', '--all-users', '--limit', '1'])).toMatchObject([
      { name: 'default' },
    ])
    const none = await folder.run(['usage', '--to', '2020-01-01'])
    expect(none.out).toContain('No run used a model in this time.')
    expect((await folder.run(['usage', '--by', 'agent'])).code).not.toBe(0)
  })

  it('The command line repeats an at-most-once effect only with --repeat.', async () => {
    await folder.run(['run', 'Poster', 'x', '--id', 'letter'])
    const rejected = await folder.run(['runs', 'fork', 'letter', '--at', '1'])
    expect(rejected.code).not.toBe(0)
    expect(rejected.error).toMatch(/post[\s\S]*repeat/)
    const repeated = await folder.run(['runs', 'fork', 'letter', '--at', '1', '--repeat'])
    expect(repeated).toMatchObject({ code: 0, out: expect.stringContaining('posted') })
    const retried = await folder.run(['runs', 'retry', 'letter', '--repeat'])
    expect(retried).toMatchObject({ code: 1, error: expect.stringContaining('has not failed') })
  })

  it('The command line ends with 2 for invalid arguments, 4 for missing things, and 5 for an unreachable server.', async () => {
    const [misspelt, unknown, missing, unreachable] = await Promise.all([
      folder.run(['runs', 'lits']),
      folder.run(['run', 'Broken', 'x', '--bugdet', '{}']),
      folder.run(['runs', 'show', 'none']),
      folder.run(['runs', 'list', '--json'], { env: { TROUPE_URL: 'http://127.0.0.1:1' } }),
    ])
    expect(misspelt).toMatchObject({ code: 2, error: expect.stringContaining('Did you mean list?') })
    expect(unknown).toMatchObject({ code: 2, error: expect.stringContaining('Did you mean --budget?') })
    expect(missing.code).toBe(4)
    expect(unreachable.code).toBe(5)
    expect(JSON.parse(unreachable.error)).toMatchObject({ error: { code: 'server.unreachable' } })
    const [nowhere, talk, load] = await Promise.all([
      folder.run(['runs', 'list', '--url', 'far']),
      folder.run(['chat', 'Nobody', '--storage', 'memory:']),
      folder.run(['load', 'Nobody', '--total', '3', '--storage', 'memory:']),
    ])
    expect(nowhere).toMatchObject({ code: 2, error: expect.stringContaining('far is not an address of a server') })
    for (const one of [talk, load])
      expect(one).toMatchObject({ code: 4, out: '', error: expect.stringContaining('Nobody') })
  })

  it('The command line names the line and the file of wrong code.', async () => {
    const project = join(folder.path, 'wrong code')
    mkdirSync(join(project, 'agents/A'), { recursive: true })
    const errorOf = async (...args: string[]) => {
      const { code, error } = await ended(folder.spawn(['check', ...args], { cwd: project }))
      expect(code).toBe(2)
      return error
    }
    const write = (name: string, text: string) => writeFileSync(join(project, name), text)
    write('a.ts', 'export default {\n  log: 1\n  lease: 2\n}\n')
    expect(await errorOf('--config', 'a.ts')).toMatch(/a\.ts cannot be read: line 3: Expected/)
    write('b.mjs', 'import "./c.mjs"\nexport default {}\n')
    write('c.mjs', '\n\nconst none = undefined\nnone.part\n')
    expect(await errorOf('--config', 'b.mjs')).toContain(`${join(project, 'c.mjs')}:4: Cannot read`)
    write('d.ts', `import { defineAgent } from 'troupe'\ndefineAgent({ nmae: 'A', run: () => 1 })`)
    expect(await errorOf('--config', 'd.ts')).toMatch(/line 2: .*nmae.* Did you mean name\?\n/)
    write('agents/A/agent.ts', '\nthrow new Error("not today")')
    expect(await errorOf()).toMatch(/agent\.ts cannot be loaded: line 2: not today/)
  })

  it('The command line keeps output of agents out of its JSON, and reports their stray errors as a failure.', async () => {
    const config = join(folder.path, 'loud.mjs')
    const run = `async () => { console.log('chatter'); await new Promise((then) => setTimeout(then, 500)); Promise.reject(new Error('a stray')); await new Promise(() => {}) }`
    const agents = `[defineAgent({ name: 'Loud', run: ${run} })]`
    writeFileSync(
      config,
      `import { defineAgent } from 'troupe'\nexport default { storage: 'memory:', agents: ${agents} }`,
    )
    const { code, out, error } = await folder.run(['run', 'Loud', 'x', '--config', config, '--json'])
    expect(code).toBe(1)
    for (const line of out.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('type')
    const [chatter, problem = ''] = error.trimEnd().split('\n')
    expect([chatter, JSON.parse(problem)]).toEqual([
      'chatter',
      { error: { code: 'command.failed', message: 'a stray', hint: 'Add --debug for its causes and stacks.' } },
    ])
  })

  it('The command line ends at Ctrl-C while its configuration never finishes loading.', async () => {
    writeFileSync(
      join(folder.path, 'never.mjs'),
      'console.error("it loads")\nawait new Promise(() => {})\nexport default {}',
    )
    const child = folder.spawn(['check', '--config', 'never.mjs'])
    await untilPrinted(child, /it loads/)
    child.kill('SIGINT')
    expect((await ended(child)).code).toBe(130)
  })

  it('The command line says what to do if its port is in use, and `dev` waits for a change.', async () => {
    await using occupied = createServer().listen(0, '127.0.0.1')
    await once(occupied, 'listening')
    const port = String((occupied.address() as AddressInfo).port)
    const { code, error } = await folder.run(['serve', '--port', port, '--storage', 'memory:'])
    expect([code, error]).toEqual([5, expect.stringMatching(/EADDRINUSE.*\nChoose another port/)])
    const dev = folder.spawn(['dev', '--port', port, '--storage', 'memory:'])
    await untilPrinted(dev, /The server ended with 5\. It restarts when a file changes\./)
    dev.kill('SIGINT')
    expect((await ended(dev)).code).toBe(0)
  })

  it('The command line prints one document for several teams.', async () => {
    writeFileSync(
      join(folder.path, 'two.mjs'),
      `import { defineAgent } from 'troupe'
       const a = defineAgent({ name: 'A', run: (task) => task })
       const team = { agents: [a], flows: ['Start -> A', 'A -> End'] }
       export default { storage: 'memory:', agents: [a], teams: { one: team, two: team } }`,
    )
    const drawn = await folder.json<{ team: string }[]>(['topology', 'draw', '--config', 'two.mjs'])
    expect(drawn.map(({ team: name }) => name)).toEqual(['one', 'two'])
    expect(await folder.json(['completion', 'bash'])).toMatchObject({ shell: 'bash', script: expect.any(String) })
  })

  it.skipIf(!existsSync('/dev/full'))('The command line reports an output that cannot be written.', () => {
    const full = openSync('/dev/full', 'w')
    const options = { cwd: folder.path, env: environment(), encoding: 'utf8' } as const
    const args = [program, 'completion', 'bash']
    const { status, stderr } = spawnSync(process.execPath, args, { ...options, stdio: ['ignore', full, 'pipe'] })
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^Standard output cannot be written: ENOSPC/)])
  })

  it('The command line reports a wrong command in JSON, with the nearest one.', async () => {
    const problemOf = async (...args: string[]) => {
      const { code, out, error } = await folder.run([...args, '--json'])
      expect({ code, out }).toEqual({ code: 2, out: '' })
      return JSON.parse(error).error
    }
    const code = 'command.misused'
    expect(await problemOf('runs', 'lits')).toEqual({
      code,
      message: "unknown command 'lits'",
      hint: 'Did you mean list?',
    })
    expect(await problemOf('run', 'echo')).toMatchObject({ code, message: "missing required argument 'task'" })
    expect(await problemOf('runs')).toMatchObject({ code, hint: 'Add --help to see its options.' })
  })

  it('The doctor command checks the configuration, the database and the folder, and starts no run.', async () => {
    const outcome = await folder.run(['doctor', '--json'])
    const { checks, status, production } = JSON.parse(outcome.out)
    expect({ code: outcome.code, status, production }).toEqual({ code: 0, status: 'warn', production: false })
    const found = Object.fromEntries(checks.map((check: { id: string }) => [check.id, check]))
    expect(found['troupe.opens']).toMatchObject({ status: 'pass', evidence: expect.stringContaining('troupe.db') })
    // By what the configuration says, not by what the command opened: without agents, silent.
    expect(found['agents.inputs'].evidence).toContain('Echo')
    expect(found['logs.configured'].evidence).not.toContain('says nothing')
    expect(checks.filter(({ evidence }: { evidence: string }) => evidence.startsWith('The check itself'))).toEqual([])
    const judged = await folder.run(['doctor', '--production'])
    expect(judged).toMatchObject({ code: 1, out: expect.stringContaining('TROUPE_ENCRYPTION_KEY') })
    expect(judged.out).toContain('Judged as production.')
  })

  it('The doctor command reports a wrong configuration and an unreadable database as results.', async () => {
    const wrong = await folder.run(['doctor', '--json', '--no-project'], { env: { TROUPE_LEASE: 'soon' } })
    expect(wrong.code).toBe(1)
    const status = (out: string, id: string) => JSON.parse(out).checks.find((check: { id: string }) => check.id === id)
    expect(status(wrong.out, 'configuration.valid')).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('soon'),
    })
    const unreachableReport = await folder.run(['doctor', '--json', '--storage', 'postgres://127.0.0.1:1/none'])
    expect(unreachableReport.code).toBe(1)
    expect(status(unreachableReport.out, 'troupe.opens')).toMatchObject({
      status: 'fail',
      remedy: expect.stringMatching(/\w/),
    })
    expect(status(unreachableReport.out, 'health.good')).toMatchObject({ status: 'warn' })
    const steps = () => {
      const db = new DatabaseSync(join(folder.path, 'data', 'troupe.db'))
      db.exec(
        "drop table if exists trace_spans; drop table if exists trace_index; drop table if exists metric_minutes; delete from storage_schema where module = 'observability'",
      )
      const count = db.prepare('select count(*) as steps from storage_schema').get()?.steps
      db.close()
      return count
    }
    const before = steps()
    const older = await folder.run(['doctor', '--json', '--no-project'])
    expect(status(older.out, 'storage.migrated')).toMatchObject({
      status: 'warn',
      evidence: expect.stringContaining('observability 1'),
    })
    expect(steps()).toBe(before)
    expect((await folder.run(['migrate'])).code).toBe(0)
    const misspelt = await folder.run(['doctor', '--produktion'])
    expect(misspelt.code).toBe(2)
  })

  it('The command line shows causes and stacks of its failures with --debug, and if the configuration has debug.', async () => {
    using other = new Folder()
    const run = (args: readonly string[], env = {}) => other.run(['restore', './none', ...args], { env })
    const [bare, flagged, configured, guides] = await Promise.all([
      run([]),
      run(['--debug']),
      run([], { TROUPE_DEBUG: 'true' }),
      run([], { SYNTHA_DEBUG_MODE: 'true' }),
    ])
    expect(bare.error).not.toMatch(/ at |caused by/)
    for (const { error } of [flagged, configured, guides])
      expect(error).toMatch(/\n {4}at [\s\S]*\ncaused by: Error: ENOENT[\s\S]*\n {4}at /)
  })

  it('The command line searches the audit log, and exports it for a verification without a database.', async () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    writeFileSync(join(folder.path, 'audit.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
    writeFileSync(join(folder.path, 'checkpoints.jsonl'), '')
    const { id } = await folder.json<{ id: string }>(['api-keys', 'create', 'looker', '--users', 'ada'])
    expect(await folder.json(['audit', 'search', id, '--all-users'])).toMatchObject([
      { operation: 'key.create', resource: id, key: 'host', allowed: true },
    ])
    expect(await folder.json(['audit', 'search', 'nothing like it', '--all-users'])).toEqual([])
    const link = await folder.run(['api-keys', 'link'])
    expect(link).toMatchObject({ code: 2, error: expect.stringContaining('needs a server') })
    expect(await folder.json(['audit', 'export', '--out', 'audit.jsonl'])).toEqual({ file: 'audit.jsonl' })
    expect(readFileSync(join(folder.path, 'audit.jsonl'), 'utf8')).toContain(id)
    const repeated = await folder.run(['audit', 'export', '--out', 'audit.jsonl'])
    expect(repeated).toMatchObject({ code: 2, error: expect.stringContaining('cannot be written') })
    const verify = ['audit', 'verify', 'checkpoints.jsonl', '--public-key', 'audit.pem', '--export', 'audit.jsonl']
    expect(await folder.json([...verify], { code: 1 })).toMatchObject({ findings: [], covered: 0 })
  })

  it('The command line verifies no log without its checkpoints.', async () => {
    const others = ['--public-key', 'troupe.config.ts', '--export', 'troupe.config.ts']
    const { code, error } = await folder.run(['audit', 'verify', 'none.jsonl', ...others])
    expect([code, error]).toEqual([2, expect.stringContaining('none.jsonl cannot be read')])
  })

  it('The command line ends quietly if its reader closes the pipe.', async () => {
    const child = folder.spawn(['completion', 'bash'])
    child.stdout.destroy()
    let complaint = ''
    child.stderr.on('data', (text) => {
      complaint += text
    })
    const [code] = await once(child, 'exit')
    expect({ code, complaint }).toEqual({ code: 0, complaint: '' })
  })

  it('The command line releases a run at Ctrl-C with 130, and the run resumes from its journal.', async () => {
    const child = folder.spawn(['run', 'Slow', 'x', '--id', 'slow'])
    await untilPrinted(child, /Slow begins/)
    child.kill('SIGINT')
    const { code, error } = await ended(child)
    // In a pipe too: one sentence, with what to do.
    const expected = 'Interrupted. Nothing is lost, troupe runs resume slow carries it on.\n'
    expect({ code, error }).toEqual({ code: 130, error: expected })
    expect(await folder.json(['runs', 'show', 'slow'])).toMatchObject({ run: 'slow', status: 'running' })
    expect(await folder.json(['runs', 'cancel', 'slow'])).toMatchObject({ status: 'cancelled' })
  })

  it('The command line reports an effect during which it was killed, and resumes after its resolution.', async () => {
    const child = folder.spawn(['run', 'Doubtful', 'x', '--id', 'doubt'])
    await untilPrinted(child, /The letter goes out/)
    child.kill('SIGKILL')
    await ended(child)
    const { code, out } = await folder.run(['runs', 'resume', 'doubt'])
    const [effect] = await folder.json<[{ step: string; call: string }]>(['runs', 'uncertain', 'doubt'])
    expect(effect).toMatchObject({ name: 'post', class: 'at-most-once', input: { to: 'Ada' }, key: 'letter-1' })
    const resolve = ['runs', 'resolve', 'doubt', effect.step, effect.call]
    expect([code, out]).toEqual([6, expect.stringContaining(`'${effect.step}' '${effect.call}' --happened`)])
    expect(await folder.run(resolve)).toMatchObject({
      code: 2,
      error: expect.stringContaining('--happened or --not-happened'),
    })
    const resolved = await folder.run([...resolve, '--happened', '--output', '"sent after all"'])
    expect(resolved).toMatchObject({ code: 0, out: expect.stringContaining('sent after all') })
  })

  it('The server ends with the drain at SIGTERM, even if an interrupted effect still waits.', async () => {
    const server = folder.spawn(['serve', '--port', '0'], { env: { TROUPE_SHUTDOWN_TIMEOUT: '5s' } })
    const atWork = untilPrinted(server, /The letter goes out/)
    await untilPrinted(server, /Serving/)
    await folder.run(['run', 'Doubtful', 'x', '--id', 'cut-off', '--detach'])
    await atWork
    server.kill('SIGTERM')
    expect((await ended(server)).code).toBe(0)
    expect(await folder.json(['runs', 'show', 'cut-off'])).toMatchObject({ status: 'running' })
  })

  it('A command beside a process that owns the file without a server names the process, and ends with 5.', async () => {
    const worker = folder.spawn(['worker', '--json'])
    await untilPrinted(worker, /"working"/)
    const rejected = await folder.run(['runs', 'list'])
    expect(rejected.code).toBe(5)
    expect(rejected.error).toContain(String(worker.pid))
    expect(rejected.error).toContain('troupe serve')
    worker.kill('SIGTERM')
    expect((await ended(worker)).code).toBe(0)
  })
})
