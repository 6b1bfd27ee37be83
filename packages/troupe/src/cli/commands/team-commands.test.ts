import { expect, it } from 'vitest'
import { mermaidOf } from './team-commands.ts'

it('A team is drawn with its kinds of nodes and edges.', () => {
  const nodes = [
    { name: 'Start', kind: 'start' },
    { name: 'Lead', kind: 'agent' },
    { name: 'User', kind: 'user' },
  ]
  const edges = [
    { from: 'Start', to: 'Lead', type: 'invoke' },
    { from: 'Lead', to: 'User', type: 'query' },
  ]
  expect(mermaidOf({ nodes, edges })).toBe(
    ['flowchart LR', '  n0(["Start"])', '  n1["Lead"]', '  n2[/"User"/]', '  n0 --> n1', '  n1 -- query --> n2'].join(
      '\n',
    ),
  )
})

it('A drawn name cannot leave its label.', () => {
  const name = 'A"] --> B["\n%%{init: {}}%%<img src=x>\u001b[31m#quot;'
  const drawn = mermaidOf({ nodes: [{ name, kind: 'agent' }], edges: [{ from: name, to: name, type: 'invoke' }] })
  expect(drawn.split('\n')).toHaveLength(3)
  expect(drawn.split('\n')[1]).toMatch(/^ {2}n0\["(?:[\p{L}\p{N} _.-]|#\d+;)*"\]$/u)
})
