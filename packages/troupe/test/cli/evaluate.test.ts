/** `troupe evaluate` as it is installed, with the results that it leaves in the database. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ended, Folder } from './cli-process.ts'

/** `Adder` adds all numbers, `Weak` the first two; `Slow` writes each task to a file and waits at the second. */
const config = `
import { appendFileSync } from 'node:fs'
import { defineAgent, defineConfig } from 'troupe'

const total = (task) => task.split('+').map(Number).reduce((sum, one) => sum + one, 0)
const adder = defineAgent({ name: 'Adder', run: (task) => total(task) })
const weak = defineAgent({ name: 'Weak', run: (task) => total(task.split('+').slice(0, 2).join('+')) })
const slow = defineAgent({
  name: 'Slow',
  run: async (task) => {
    appendFileSync('executed.txt', task + '\\n')
    if (task === '20 + 22' && process.env.STUCK) await new Promise(() => setInterval(() => {}, 1_000))
    return total(task)
  },
})
export default defineConfig({
  storage: 'sqlite:./data/troupe.db',
  log: 'silent',
  agents: [adder, weak, slow],
  teams: { adders: { agents: [adder], flows: ['Start -> Adder', 'Adder -> End'] } },
  evaluation: { scores: { positive: ({ response }) => (response > 0 ? 1 : 0) } },
})
`
const cases = [
  { id: 'small', input: '1 + 1', expected: 2, labels: { exact: 1 } },
  { id: 'large', input: '20 + 22', expected: 42 },
  { id: 'three', input: '1 + 2 + 3', expected: 6, labels: { exact: 0 } },
]

const folder = new Folder()
beforeAll(() => {
  writeFileSync(join(folder.path, 'troupe.config.mjs'), config)
  writeFileSync(join(folder.path, 'sums.jsonl'), cases.map((one) => JSON.stringify(one)).join('\n'))
})
afterAll(() => folder[Symbol.dispose]())

describe('troupe evaluate', () => {
  it('The command `troupe evaluate` compares a team with a single agent.', async () => {
    const args = ['evaluate', 'sums.jsonl', '--team', 'adders', '--against', 'Weak', '--id', 'first']
    const { code, out, error } = await folder.run([...args, '--scorer', 'exact', '--scorer', 'positive'])
    expect({ code, error }).toEqual({ code: 0, error: expect.stringContaining('6 of 6: ') })
    expect(error).toContain('three candidate scored 1')
    expect(out).toContain('Experiment first: 3 cases of sums, version ')
    expect(out).toMatch(/^ +adders +Weak +difference$/m)
    expect(out).toMatch(/^quality +1 +0.8333 +\+0.1667$/m)
    expect(out).toMatch(/^exact +1 +0.6667 +\+0.3333$/m)
    expect(out).toMatch(/^positive +1 +1 +0$/m)
    expect(out).toMatch(/^tokens +0 +0 +0$/m)
    expect(out).toMatch(/^cost +0 +0 +0$/m)
    expect(out).toContain('adders is better in 1, worse in 0, and equal in 2.')
    expect(out).toContain('exact agrees with people on adders in 50% of 2 cases')
  })

  it('The command `troupe evaluate` ends with 1 below the threshold, and prints the experiment as JSON.', async () => {
    const args = ['evaluate', 'sums.jsonl', '--agent', 'Weak', '--id', 'weak', '--json']
    const above = await folder.run([...args, '--fail-under', '0.6'])
    expect(above.code).toBe(0)
    expect(JSON.parse(above.out)).toMatchObject({ id: 'weak', total: { candidate: { scored: 3 } } })
    const below = await folder.run([...args, '--fail-under', '0.7'])
    expect(below.code).toBe(1)
    expect(below.error).toContain('The mean quality 0.6667 is not 0.7 or more.')
    expect(JSON.parse(below.out)).toEqual(JSON.parse(above.out))
  })

  it('The command `troupe evaluate` ends with 1 and says how many cases its total budget skipped.', async () => {
    const args = ['evaluate', 'sums.jsonl', '--agent', 'Adder', '--id', 'bounded', '--fail-under', '0']
    const bounded = await folder.run([...args, '--total-budget', '{"tokens":0}'])
    expect(bounded.code).toBe(1)
    expect(bounded.error).toContain('3 of 3: three candidate skipped')
    expect(bounded.error).toContain('3 were skipped, since they did not fit into the budget.')
    expect(bounded.error).toContain('The mean quality covers 0 of 3 cases.')
    expect(bounded.out).toMatch(/^skipped +3$/m)
    const larger = await folder.run([...args, '--total-budget', '{"tokens":1000}'])
    expect(larger.code).toBe(0)
    expect(larger.out).toMatch(/^scored +3$/m)
  })

  it('The command `troupe evaluate` resumes after the process was killed, and executes no finished case again.', async () => {
    const args = ['evaluate', 'sums.jsonl', '--agent', 'Slow', '--concurrency', '1']
    const first = folder.spawn(args, { env: { STUCK: '1' } })
    const executed = () => {
      const path = join(folder.path, 'executed.txt')
      return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
    }
    for (const deadline = Date.now() + 30_000; executed().length < 2; ) {
      if (Date.now() > deadline) throw new Error(`The second case did not start: ${executed()}`)
      await new Promise((done) => setTimeout(done, 50))
    }
    first.kill('SIGKILL')
    await ended(first)
    const interrupted = await folder.json<{ status: string }[]>(['experiments', 'list'])
    expect(interrupted[0]).toMatchObject({ status: 'running', candidate: { name: 'Slow' } })
    const second = await folder.json<{ id: string }>(args)
    expect(second).toMatchObject({ status: 'completed', total: { candidate: { quality: 1, scored: 3 } } })
    expect(executed().filter((task) => task === '1 + 1')).toHaveLength(1)
    expect(executed().filter((task) => task === '1 + 2 + 3')).toHaveLength(1)
    const after = await folder.json<{ id: string; status: string }[]>(['experiments', 'list'])
    expect(after[0]).toMatchObject({ id: second.id, status: 'completed' })
  })

  it('The commands `troupe experiments list` and `show` print the experiments over time.', async () => {
    const list = await folder.run(['experiments', 'list'])
    expect(list.out).toMatch(/first +\w+ +completed +sums \w{8} +3 +1 +0.8333 +\$0.0000 +adders \/ Weak/)
    const page = await folder.json<object[]>(['experiments', 'list', '--limit', '1'])
    expect(page).toHaveLength(1)
    const shown = await folder.run(['experiments', 'show', 'weak'])
    expect(shown.out).toMatch(/^three +candidate +weak\.candidate\.\w+ +0$/m)
    expect(shown.out).not.toMatch(/^small/m)
    expect((await folder.run(['experiments', 'show', 'none'])).code).toBe(4)
  })

  it('The command `troupe experiments scores` prints the online scores per day, scorer and team.', async () => {
    expect((await folder.run(['experiments', 'scores'])).out).toContain('No live run was scored in this time.')
    expect((await folder.run(['experiments', 'scores', '--interval', 'week'])).code).toBe(2)
  })

  it('The command `troupe evaluate` rejects invalid arguments before a database is made.', async () => {
    using empty = new Folder()
    writeFileSync(join(empty.path, 'troupe.config.mjs'), config)
    writeFileSync(join(empty.path, 'wrong.jsonl'), '{"input":1}\n{"inptu":1}\n{')
    const wrong = await empty.run(['evaluate', 'wrong.jsonl', '--agent', 'Adder'])
    expect(wrong.code).toBe(2)
    expect(wrong.error).toContain('line 2: the field inptu is unknown; did you mean input?')
    expect(wrong.error).toContain('line 3: it is not JSON')
    for (const args of [
      ['evaluate', 'none.jsonl', '--agent', 'Adder'],
      ['evaluate', 'wrong.jsonl'],
      ['evaluate', 'wrong.jsonl', '--agent', 'Adder', '--team', 'adders'],
      ['evaluate', 'wrong.jsonl', '--agent', 'Adder', '--judge', 'x/y'],
      ['evaluate', 'wrong.jsonl', '--agent', 'Adder', '--fail-under', '90'],
    ])
      expect((await empty.run(args)).code, args.join(' ')).toBe(2)
    expect(existsSync(join(empty.path, 'data'))).toBe(false)
  })
})
