import { describe, expect, it } from 'vitest'
import { RunTree, type TreeEvent } from './run-tree.ts'

let seq = 0
const event = (type: string, more: Partial<TreeEvent> = {}): TreeEvent => ({ seq: ++seq, type, at: 1_000, ...more })
const started = (step: string, agent: string, path: readonly string[] = [agent]) =>
  event('step.started', { step, agent, path })

describe('the tree of a run', () => {
  it('The tree of a run has a line for each step, below its caller, with its status.', () => {
    const tree = new RunTree()
    tree.add(started('1#1', 'Lead'))
    tree.add(started('2#1', 'Writer', ['Lead', 'Writer']))
    tree.add(
      event('step.completed', { step: '2#1', at: 3_500, usage: { inputTokens: 1_200, outputTokens: 34, cost: 0.25 } }),
    )
    tree.add(event('step.waiting', { step: '1#1', at: 4_000 }))
    expect(tree.draw(80, 10)).toEqual([
      '… Lead  3.0 s',
      '  ✔ Writer  2.5 s',
      '1 of 2 steps done, 1,234 tokens, $0.2500',
    ])
    tree.add(event('step.resumed', { step: '1#1', at: 4_500 }))
    expect(tree.draw(80, 10, 1_500)[0]).toBe('◐ Lead  5.0 s')
    tree.add(event('step.failed', { step: '1#1', at: 5_000, error: { message: 'too\nmuch' } }))
    expect(tree.draw(80, 10)[0]).toBe('✖ Lead  4.0 s  too much')
  })

  it.each(['step.resumed', 'answer.delivered'])('A step works again after the event %s.', (type) => {
    const tree = new RunTree()
    tree.add(started('1#1', 'Lead'))
    tree.add(event('step.waiting', { step: '1#1', at: 4_000 }))
    tree.add(event(type, { step: '1#1', at: 4_500 }))
    expect(tree.draw(80, 10)[0]).toMatch(/^◐ Lead/)
  })

  it('The tree of a run counts once what a step and a child run used before they waited and after.', () => {
    const tree = new RunTree()
    tree.add(started('1#1', 'Lead'))
    const child = { step: '1#1', child: 'r.1', usage: { inputTokens: 10, outputTokens: 1, cost: 0.5 } }
    tree.add(event('child.waiting', child))
    tree.add(event('step.waiting', { step: '1#1', usage: { inputTokens: 100, outputTokens: 10, cost: 0.25 } }))
    expect(tree.draw(80, 10).at(-1)).toBe('0 of 1 steps done, 121 tokens, $0.7500')
    tree.add(event('run.charged', { run: 'r.1', usage: { inputTokens: 20, outputTokens: 2, cost: 0.5 } }))
    tree.add(event('step.completed', { step: '1#1', usage: { inputTokens: 200, outputTokens: 20, cost: 0.5 } }))
    expect(tree.draw(80, 10).at(-1)).toBe('1 of 1 steps done, 242 tokens, $1.0000')
  })

  it('The tree of a run prints lines of important events if it cannot redraw the screen.', () => {
    const tree = new RunTree()
    expect(tree.add(event('run.started'))).toBeUndefined()
    expect(tree.add(started('1#1', 'Lead'))).toBe('Lead begins')
    expect(tree.add(event('step.waiting', { step: '1#1', agent: 'Lead' }))).toBe('Lead waits')
    expect(tree.add(event('step.completed', { step: '1#1', at: 2_500 }))).toBe('Lead is done, after 1.5 s')
    expect(tree.add(event('step.completed', { step: 'another', at: 2_500 }))).toBeUndefined()
  })

  it('The tree of a run fits the screen: the last steps, and no line wider than it.', () => {
    const tree = new RunTree()
    for (let i = 1; i <= 30; i++) tree.add(started(`1#${i}`, `Agent${i}${'x'.repeat(100)}`))
    const drawn = tree.draw(40, 5)
    expect(drawn).toHaveLength(7)
    expect(drawn[0]).toBe('  25 earlier steps')
    for (const line of drawn) expect(line.length).toBeLessThan(40)
  })

  it('The tree of a run lets no text of an agent control the terminal.', () => {
    const tree = new RunTree()
    tree.add(started('1#1', 'Lead'))
    const line = tree.add(event('step.failed', { step: '1#1', error: { message: '\u001b[2Jgone' } }))
    expect(line).toContain('\\u001b[2Jgone')
    expect(tree.draw(80, 5).join('')).not.toContain('\u001b')
  })
})
