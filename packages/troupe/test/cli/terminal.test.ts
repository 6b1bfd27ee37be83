/** The program on a terminal: what it draws, what it asks, and what Ctrl-C does. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Folder } from './cli-process.ts'
import { hasTerminals, Terminal } from './terminal.ts'

if (!hasTerminals) process.stderr.write('skipped: there is no script of util-linux to make a terminal with\n')

describe.skipIf(!hasTerminals)('the program on a terminal', () => {
  const folder = new Folder()
  beforeAll(() => copyFileSync(join(import.meta.dirname, 'team.config.ts'), join(folder.path, 'troupe.config.ts')))
  afterAll(() => folder[Symbol.dispose]())
  const control = (letter: string) => String.fromCharCode(letter.charCodeAt(0) - 64)

  it('The command line redraws the team at work on a terminal: time that passes, then tokens and cost.', async () => {
    using terminal = new Terminal(folder, ['run', 'Thinker', 'x'])
    await terminal.shows(/◐ Thinker {2}0\.[1-9] s/)
    expect(await terminal.ended).toBe(0)
    expect(terminal.raw).toContain('\u001b[2F\u001b[J')
    // Of all that was drawn, one tree is left.
    expect(terminal.screen.match(/Thinker/g)).toHaveLength(1)
    expect(terminal.screen).toMatch(/✔ Thinker {2}\d+\.\d s\n1 of 1 steps done, 1,000 tokens, \$0\.1900\n/)
  })

  it('The command line follows a terminal that becomes narrower, and writes no line wider than it.', async () => {
    using terminal = new Terminal(folder, ['run', 'Slow', 'x', '--id', 'narrow'])
    await terminal.shows(/◐ Slow/)
    await terminal.resize(24)
    await terminal.shows(/0 of 1 steps done, 0 t…/)
    // One row of the agent, and two that the figures took up when the screen broke their line.
    expect(terminal.raw).toContain('\u001b[3F\u001b[J◐ Slow')
    terminal.types(control('C'))
    expect(await terminal.ended).toBe(130)
  })

  it('The command line uses colours on a terminal, unless NO_COLOR is set.', async () => {
    using plain = new Terminal(folder, ['agents'], { NO_COLOR: '1' })
    using coloured = new Terminal(folder, ['completion', 'tcsh'])
    await Promise.all([plain.ended, coloured.ended])
    expect(plain.raw).toContain('Echo')
    expect(plain.raw).not.toContain('\u001b')
    using table = new Terminal(folder, ['agents'])
    await table.ended
    expect(table.raw).toContain('\u001b[2mAGENT')
  })

  it('The command line asks a person on a terminal, and continues with the answer.', async () => {
    using terminal = new Terminal(folder, ['run', 'Payer', 'x'])
    await terminal.shows(/May Payer call pay[\s\S]*Yes[\s\S]*No/)
    terminal.types('y')
    expect(await terminal.ended).toBe(0)
    expect(terminal.screen).toContain('It is paid.')
  })

  it('The command line says how to answer a question later, if the person answers with Ctrl-C.', async () => {
    using terminal = new Terminal(folder, ['run', 'Payer', 'x', '--id', 'unanswered'])
    await terminal.shows(/May Payer call pay[\s\S]*Yes[\s\S]*No/)
    terminal.types(control('C'))
    expect(await terminal.ended).toBe(6)
    expect(terminal.screen).toContain("troupe runs answer unanswered '1#1?/ask:approval#1' yes")
    const unclear = await folder.run(['runs', 'answer', 'unanswered', '1#1?/ask:approval#1', 'maybe'])
    expect(unclear).toMatchObject({ code: 2, error: expect.stringContaining('answered with yes or no, and got maybe') })
  })

  it('The command line asks no question in CI: it ends with 6, and says how to answer.', async () => {
    using terminal = new Terminal(folder, ['run', 'Payer', 'x'], { CI: '1' })
    expect(await terminal.ended).toBe(6)
    expect(terminal.raw).toContain('troupe runs answer')
  })

  it('The command line releases a run on a terminal at Ctrl-C, and says so in one sentence.', async () => {
    using terminal = new Terminal(folder, ['run', 'Slow', 'x', '--id', 'slow'])
    await terminal.shows(/◐ Slow/)
    terminal.types(control('C'))
    expect(await terminal.ended).toBe(130)
    expect(terminal.screen).toContain('Interrupted. Nothing is lost, troupe runs resume slow carries it on.')
    expect(terminal.screen).not.toContain('aborted')
    expect(await folder.json(['runs', 'cancel', 'slow'])).toMatchObject({ status: 'cancelled' })
  })

  it('The server drains at Ctrl-C on a terminal, and ends at once at the second.', async () => {
    using draining = new Terminal(folder, ['serve', '--port', '0', '--storage', 'memory:'])
    await draining.shows(/Open http:\/\/127\.0\.0\.1:\d+\/open\?link=/)
    draining.types(control('C'))
    expect(await draining.ended).toBe(0)
    expect(draining.screen).toContain('Stopping: work in progress is finished or released.')

    using hasty = new Terminal(folder, ['serve', '--port', '0'])
    const [, url = ''] = await hasty.shows(/at (http:\/\/127\.0\.0\.1:\d+)\. /)
    const body = JSON.stringify({ agent: 'Slow', task: 'x', id: 'held' })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${url}/v1/runs`, { method: 'POST', headers, body })).status).toBe(201)
    hasty.types(control('C'))
    await hasty.shows(/Stopping/)
    hasty.types(control('C'))
    expect(await hasty.ended).toBe(130)
  })

  it('The command line chats with a person on a terminal.', async () => {
    using terminal = new Terminal(folder, ['chat', 'Echo', '--storage', 'memory:'])
    await terminal.shows(/> $/)
    terminal.types('hello\r')
    await terminal.shows(/You said hello[\s\S]*> $/)
    terminal.types(control('D'))
    expect(await terminal.ended).toBe(0)
  })

  it('The command line joins a line that ends with a backslash with the next one.', async () => {
    using terminal = new Terminal(folder, ['chat', 'Echo', '--storage', 'memory:'])
    await terminal.shows(/> $/)
    terminal.types('one\\\r')
    await terminal.shows(/… $/)
    terminal.types('two\r')
    await terminal.shows(/You said one\r?\ntwo[\s\S]*> $/)
    terminal.types(control('C'))
    expect(await terminal.ended).toBe(130)
  })

  it('The command line asks questions in a chat, and the next line is the answer.', async () => {
    using terminal = new Terminal(folder, ['chat', 'Payer', '--storage', 'memory:'])
    await terminal.shows(/> $/)
    terminal.types('pay\r')
    await terminal.shows(/call pay with \{"amount":5\}[\s\S]*\? $/)
    terminal.types('yes\r')
    await terminal.shows(/It is paid\.[\s\S]*> $/)
  })

  it('The command line interrupts a chat at Ctrl-C, and ends at once at the second.', async () => {
    using terminal = new Terminal(folder, ['chat', 'Doubtful', '--storage', 'memory:'])
    await terminal.shows(/> $/)
    terminal.types('post it\r')
    await terminal.shows(/The letter goes out/)
    terminal.types(control('C'))
    await terminal.shows(/Interrupted\. Nothing is lost/)
    terminal.types(control('C'))
    expect(await terminal.ended).toBe(130)
  })

  it('The command `troupe dev` serves a changed file after the change, and ignores logs.', async () => {
    using terminal = new Terminal(folder, ['dev', '--port', '0', '--storage', 'memory:'])
    const [, before = ''] = await terminal.shows(/at (http:\/\/127\.0\.0\.1:\d+)\. /)
    const names = async (url: string) => (await (await fetch(`${url}/v1/agents`)).text()).includes('Newcomer')
    expect(await names(before)).toBe(false)
    const file = join(folder.path, 'troupe.config.ts')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace("name: 'Broken'", "name: 'Newcomer'"))
    writeFileSync(join(folder.path, 'dev.log'), text)
    await terminal.shows(/troupe\.config\.ts changed: restarting[\s\S]*at http:/)
    const after = [...terminal.screen.matchAll(/at (http:\/\/127\.0\.0\.1:\d+)\. /g)].at(-1)?.[1] ?? ''
    expect(await names(after)).toBe(true)
    writeFileSync(file, text)
    terminal.types(control('C'))
    expect(await terminal.ended).toBe(0)
  })

  it('The command `troupe dev` drains at Ctrl-C.', async () => {
    using terminal = new Terminal(folder, ['dev', '--port', '0'])
    const [, url = ''] = await terminal.shows(/at (http:\/\/127\.0\.0\.1:\d+)\. /)
    const body = JSON.stringify({ agent: 'Thinker', task: 'x', id: 'thought' })
    await fetch(`${url}/v1/runs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    terminal.types(control('C'))
    expect(await terminal.ended).toBe(0)
    expect(await folder.json(['runs', 'show', 'thought'])).toMatchObject({ status: 'completed' })
  })
})
