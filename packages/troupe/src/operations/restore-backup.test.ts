import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Agent,
  createTroupe,
  defineAgent,
  defineMessage,
  finish,
  type Json,
  type Troupe,
  type TroupeConfig,
  Worker,
} from '../index.ts'
import { restoreBackup, verifyBackup } from '../operations.ts'
import { backupTo } from './restore-backup.ts'

const pollOptions = { timeout: 20_000, interval: 10 }
const Note = defineMessage('note')
let folder: string
const open: Troupe[] = []
const at = (name: string) => join(folder, name)
const opened = async (name = 'troupe.db', config: Partial<TroupeConfig> = {}): Promise<Troupe> => {
  const troupe = await createTroupe({ storage: `sqlite:${at(name)}`, log: 'silent', ...config })
  open.push(troupe)
  return troupe
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-backups-'))
})
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a backup', () => {
  it('A backup whose folder cannot be created is rejected with that folder, and leaves nothing.', async () => {
    const troupe = await opened()
    writeFileSync(at('file'), '')
    const below = at('file/monday')
    const details = { path: below, problem: expect.stringContaining('mkdir') }
    await expect(troupe.backup(below)).rejects.toMatchObject({ code: 'backup.unwritable', status: 502, details })
    await expect(backupTo(`sqlite:${at('troupe.db')}`, below)).rejects.toMatchObject({ code: 'backup.unwritable' })
    expect(readdirSync(folder).filter((name) => !name.startsWith('troupe.db'))).toEqual(['file'])
  })

  it('A backup contains one moment, made while others write, and reports what it contains.', async () => {
    const troupe = await opened()
    const ada = troupe.user('ada')
    let stop = false
    let done = 0
    const writing = (async () => {
      for (; !stop; done++)
        await ada.context.batch(
          [
            { type: 'push', key: `left.${done}`, value: 'x'.repeat(2_000) },
            { type: 'push', key: `right.${done}`, value: done },
          ],
          { atomic: true },
        )
    })()
    await expect.poll(() => done, pollOptions).toBeGreaterThan(50)
    const before = done
    const made = await troupe.backup(at('monday'))
    stop = true
    await writing
    expect(readdirSync(at('monday')).sort()).toEqual(['manifest.json', 'troupe.db'])
    expect(await verifyBackup(at('monday'))).toEqual(made)
    expect(made).toMatchObject({ engine: 'sqlite', bytes: expect.any(Number), schema: { storage: expect.any(Number) } })
    await restoreBackup({ from: at('monday'), to: `sqlite:${at('copy.db')}` })
    const copy = (await opened('copy.db')).user('ada').context
    const keys = await copy.size()
    expect(keys % 2).toBe(0)
    expect(keys).toBeGreaterThanOrEqual(before * 2)
    expect(await copy.get(`right.${keys / 2 - 1}`)).toBe(keys / 2 - 1)
  })

  it('A backup in several steps contains one moment, and leaves nothing if it is aborted between them.', async () => {
    const troupe = await opened()
    const { context } = troupe.user('ada')
    for (let i = 0; i < 4; i++) await context.push(`large.${i}`, 'x'.repeat(6_000_000))
    const begun = async (signal?: AbortSignal) => {
      const made = troupe.backup(at('monday'), signal ? { signal } : {})
      made.catch(() => {})
      const isBegun = () =>
        readdirSync(folder, { recursive: true }).some((name) => /^monday.*troupe\.db$/.test(String(name)))
      while (!isBegun()) await new Promise<void>((resolve) => setImmediate(resolve))
      return { made }
    }
    const controller = new AbortController()
    const { made: backup } = await begun(controller.signal)
    controller.abort('never mind')
    await expect(backup).rejects.toMatchObject({ name: 'CancelledError', cause: 'never mind' })
    expect(readdirSync(folder).filter((name) => name.startsWith('monday'))).toEqual([])
    const { made } = await begun()
    await context.push('late', 1)
    await made
    await restoreBackup({ from: at('monday'), to: `sqlite:${at('copy.db')}` })
    expect(await (await opened('copy.db')).user('ada').context.size()).toBe(4)
  })

  it('A backup and the functions that read one end with their signal.', async () => {
    const troupe = await opened()
    await troupe.backup(at('monday'))
    const signal = AbortSignal.abort()
    const cancelled = { name: 'CancelledError' }
    await expect(troupe.backup(at('tuesday'), { signal })).rejects.toMatchObject(cancelled)
    await expect(verifyBackup(at('monday'), { signal })).rejects.toMatchObject(cancelled)
    const to = `sqlite:${at('copy.db')}` as const
    await expect(restoreBackup({ from: at('monday'), to, signal })).rejects.toMatchObject(cancelled)
    expect([existsSync(at('tuesday')), existsSync(at('copy.db'))]).toEqual([false, false])
    await expect(troupe.backup(at('tuesday'), { singal: signal } as never)).rejects.toThrow(/no option singal/)
    await troupe.close()
    await expect(troupe.backup(at('tuesday'))).rejects.toMatchObject({ code: 'troupe.closed' })
  })

  it('Two backups to the same folder at once leave the first complete one, and two restores do too.', async () => {
    const troupe = await opened()
    for (let i = 0; i < 4; i++) await troupe.user('ada').context.push(`large.${i}`, 'x'.repeat(6_000_000))
    const outcomes = async (make: () => Promise<unknown>) =>
      (await Promise.allSettled([make(), make(), make()]))
        .map((one) => (one.status === 'fulfilled' ? 'made' : one.reason.code))
        .sort()
    expect(await outcomes(() => troupe.backup(at('monday')))).toEqual([
      'made',
      'storage.not_empty',
      'storage.not_empty',
    ])
    await verifyBackup(at('monday'))
    const restoreCopy = () => restoreBackup({ from: at('monday'), to: `sqlite:${at('copy.db')}` })
    expect(await outcomes(restoreCopy)).toEqual(['made', 'storage.not_empty', 'storage.not_empty'])
    expect(await (await opened('copy.db')).user('ada').context.size()).toBe(4)
    expect(readdirSync(folder).filter((name) => name.includes('.partial-'))).toEqual([])
    expect(readdirSync(at('monday')).sort()).toEqual(['manifest.json', 'troupe.db'])
  })

  it('A backup removes what a dead process left, and neither the work of another host nor anything else with such a name.', async () => {
    const troupe = await opened()
    const otherHost = '{"pid":1,"started":"0","boot":"of another host"}'
    const age = new Date(Date.now() - 25 * 3_600_000)
    for (const [name, note] of [
      ['abandoned', otherHost],
      ['other-host', otherHost],
      ['theirs', '{"by":"somebody"}'],
    ] as const) {
      mkdirSync(at(`monday.partial-${name}`))
      writeFileSync(at(`monday.partial-${name}/writer.json`), note)
    }
    for (const path of ['writer.json', '']) utimesSync(join(at('monday.partial-abandoned'), path), age, age)
    const { pid } = spawnSync(process.execPath, ['--version'])
    for (const name of [`${pid}-Ab3dEf`, `${pid}-Ab3dEg`, `${process.pid}-Ab3dEf`])
      mkdirSync(at(`monday.partial-${name}`))
    writeFileSync(at(`monday.partial-${pid}-Ab3dEg/writer.json`), '{"pid":')
    writeFileSync(at(`monday.partial-theirs/${pid}`), '')
    await troupe.backup(at('monday'))
    const left = [
      'monday',
      `monday.partial-${process.pid}-Ab3dEf`,
      'monday.partial-other-host',
      'monday.partial-theirs',
    ]
    expect(readdirSync(folder).filter((name) => name.startsWith('monday'))).toEqual(left)
  })

  it('A backup is made only of a database of Troupe.', async () => {
    writeFileSync(at('other.txt'), 'not a database, but long enough to be looked at as one'.repeat(20))
    const other = new DatabaseSync(at('other.db'))
    other.exec('create table users (name text)')
    other.close()
    for (const name of ['other.txt', 'other.db']) {
      const made = backupTo(`sqlite:${at(name)}`, at('monday'))
      await expect(made, name).rejects.toMatchObject({ code: 'storage.foreign' })
    }
    expect(readdirSync(folder).sort()).toEqual(['other.db', 'other.txt'])
  })

  it('A backup overwrites nothing, and neither does a restore.', async () => {
    const troupe = await opened()
    await troupe.backup(at('monday'))
    await expect(troupe.backup(at('monday'))).rejects.toMatchObject({ code: 'storage.not_empty' })
    const to = `sqlite:${at('troupe.db')}`
    await expect(restoreBackup({ from: at('monday'), to })).rejects.toMatchObject({ code: 'storage.not_empty' })
    writeFileSync(at('other.db-wal'), 'left over')
    const beside = restoreBackup({ from: at('monday'), to: `sqlite:${at('other.db')}` })
    await expect(beside).rejects.toMatchObject({ code: 'storage.not_empty' })
    expect(existsSync(at('other.db'))).toBe(false)
  })

  it('A backup that is damaged, cut off or missing is rejected, and nothing is restored.', async () => {
    const troupe = await opened()
    await troupe.user('ada').context.push('k', 'v'.repeat(10_000))
    await troupe.backup(at('monday'))
    const file = join(at('monday'), 'troupe.db')
    copyFileSync(file, at('whole.db'))
    const bytes = readFileSync(file)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
    writeFileSync(file, bytes)
    const to = `sqlite:${at('copy.db')}`
    for (const check of [() => verifyBackup(at('monday')), () => restoreBackup({ from: at('monday'), to })])
      await expect(check()).rejects.toMatchObject({ code: 'backup.damaged' })
    writeFileSync(file, bytes.subarray(0, 1_000))
    await expect(verifyBackup(at('monday'))).rejects.toMatchObject({ code: 'backup.damaged' })
    copyFileSync(at('whole.db'), file)
    const manifest = JSON.parse(readFileSync(join(at('monday'), 'manifest.json'), 'utf8'))
    manifest.rows.context_entries++
    writeFileSync(join(at('monday'), 'manifest.json'), JSON.stringify(manifest))
    await expect(verifyBackup(at('monday'))).rejects.toMatchObject({ code: 'backup.damaged' })
    await expect(verifyBackup(at('nowhere'))).rejects.toMatchObject({ code: 'backup.unreadable' })
    expect(existsSync(at('copy.db'))).toBe(false)
  })

  it('A backup is not made of memory storage, and is not restored into another engine.', async () => {
    const memory = await createTroupe({ storage: 'memory:', log: 'silent' })
    open.push(memory)
    await expect(memory.backup(at('memory'))).rejects.toMatchObject({ code: 'validation.failed' })
    await (await opened()).backup(at('monday'))
    const other = restoreBackup({ from: at('monday'), to: 'postgres://127.0.0.1:1/none' })
    await expect(other).rejects.toMatchObject({ code: 'validation.failed' })
  })

  it('A backup of encrypted content stays encrypted, and opens only with the key ring.', async () => {
    const encryption = { keys: [{ id: 'a', key: 'ab'.repeat(32) }], current: 'a' }
    const troupe = await opened('troupe.db', { encryption })
    await troupe.user('ada').context.push('k', 'the-plain-words')
    await troupe.backup(at('monday'))
    for (const file of readdirSync(at('monday'))) {
      const bytes = readFileSync(join(at('monday'), file))
      expect(bytes.includes('the-plain-words') || bytes.includes('ab'.repeat(32))).toBe(false)
    }
    await restoreBackup({ from: at('monday'), to: `sqlite:${at('copy.db')}` })
    await expect(opened('copy.db')).rejects.toMatchObject({ code: 'encryption.required' })
    const copy = await opened('copy.db', { encryption })
    expect(await copy.user('ada').context.get('k')).toBe('the-plain-words')
    // Whom the original forgot since is forgotten before anything goes on.
    expect((await copy.forget('ada')).backups).toBe('encrypted')
    expect(await copy.user('ada').context.size()).toBe(0)
  })
})

describe('a restored copy', () => {
  const ledger = () => at('ledger')
  const lines = () => (existsSync(ledger()) ? readFileSync(ledger(), 'utf8').trim().split('\n') : [])
  const record = (line: string) => appendFileSync(ledger(), `${line}\n`)
  const hanging = (line: string) =>
    defineAgent({
      name: 'Payer',
      run: (_: Json, ctx) =>
        ctx.effect('pay', { class: 'at-most-once' }, async ({ signal }) => {
          record(line)
          return new Promise<Json>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        }),
    })
  const ticking = defineAgent({
    name: 'Ticker',
    run: async (_: Json, ctx) =>
      finish(await ctx.effect('tick', { class: 'at-most-once' }, async () => record('tick') ?? null)),
  })
  const solo = (agent: Agent) => ({
    agents: [agent],
    flows: [`Start -> ${agent.name}`, `${agent.name} -> End`],
  })
  class Clerk extends Worker {
    constructor() {
      super('Clerk')
      this.on(Note, async () => record('note'))
    }
  }
  const code = (line: string) => ({ agents: [hanging(line)], teams: { tick: solo(ticking) } })

  const backedUp = async () => {
    const troupe = await opened('troupe.db', code('original'))
    const ada = troupe.user('ada')
    await ada.orchestra.start({ id: 'paying', task: 't', topology: solo(hanging('original')) })
    await expect.poll(lines, pollOptions).toEqual(['original'])
    await ada.schedules.create({ id: 'tick', team: 'tick', in: '2s' })
    await ada.agent('Sender').messages.send(Note, 'hello', { to: 'Clerk', delay: '10ms' })
    await troupe.backup(at('monday'))
    await troupe.close()
    const restored = await restoreBackup({ from: at('monday'), to: `sqlite:${at('copy.db')}` })
    // What is due, is due by now.
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    return restored
  }

  it('A restored copy repeats nothing by itself: effects, schedules, runs and messages wait until it is resumed.', async () => {
    const { installation, backupAt } = await backedUp()
    const copy = await opened('copy.db', code('copy'))
    expect(copy.state).toBe('restored')
    expect(copy.restored).toMatchObject({ installation, backupAt })
    expect(await copy.ready()).toBe(false)
    const ada = copy.user('ada')
    for (const begun of [
      () => ada.orchestra.start({ task: 't', topology: solo(ticking) }),
      () => ada.schedules.trigger('tick'),
      () => ada.start(new Clerk()),
      () => ada.agent('Clerk').mailbox.receive(),
      () => ada.session(ticking).generate('hello'),
      async () => (await ada.orchestra.get('paying')).result(),
    ])
      await expect(begun()).rejects.toMatchObject({ code: 'troupe.restored' })
    // A change that wakes all queues wakes nothing.
    await ada.agent('Sender').messages.send(Note, 'another', { to: 'Clerk' })
    await ada.context.push('k', 'v')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(lines()).toEqual(['original'])
    expect((await ada.agent('Clerk').mailbox.messages()).items).toHaveLength(2)
    await copy.close()

    // Nor does opening it again.
    const reopened = await opened('copy.db', code('copy'))
    expect(reopened.state).toBe('restored')
    const emitted: string[] = []
    reopened.on('troupe.resumed', ({ type }) => emitted.push(type))
    await reopened.resumeRestored()
    await reopened.resumeRestored()
    expect(reopened.state).toBe('open')
    expect(reopened.restored?.resumedAt).toEqual(expect.any(String))
    const user = reopened.user('ada')
    await using _clerk = await user.start(new Clerk())
    await expect.poll(() => lines().sort(), pollOptions).toEqual(['note', 'note', 'original', 'tick'])
    const run = await user.orchestra.get('paying')
    expect(await run.result()).toMatchObject({ status: 'waiting', reason: 'uncertain' })
    expect(lines().filter((line) => line === 'copy')).toEqual([])
    await expect.poll(() => emitted, pollOptions).toEqual(['troupe.resumed'])
  })

  it("A restored copy continues at once with `restored: 'resume'`, and stays resumed.", async () => {
    await backedUp()
    const copy = await opened('copy.db', { ...code('copy'), restored: 'resume' })
    expect(copy.state).toBe('open')
    await expect.poll(lines, pollOptions).toEqual(['original', 'tick'])
    await copy.close()
    const later = await opened('copy.db', code('copy'))
    expect(later.state).toBe('open')
    await expect(opened('x.db', { restored: 'maybe' as 'wait' })).rejects.toMatchObject({ code: 'validation.failed' })
  })
})
