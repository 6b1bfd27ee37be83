import { expect, it } from 'vitest'
import { z } from 'zod'
import { compileRules } from '../security/index.ts'
import { defineTool } from './define-tool.ts'
import { type ApprovalNeed, approvalNeed } from './needs-approval.ts'

type Rules = Parameters<typeof compileRules>[0]
const when = 'any arg is untrusted'

it.each<[Rules, boolean, ApprovalNeed]>([
  [[], false, 'never'],
  [[], true, 'always'],
  [[{ tool: 'pay', do: 'ask' }], false, 'always'],
  [[{ tool: 'p*', when, do: 'ask' }], false, 'sometimes'],
  [[{ tool: 'p*', when, do: 'ask' }], true, 'always'],
  [
    [
      { tool: 'pay', do: 'allow' },
      { tool: '*', do: 'ask' },
    ],
    false,
    'never',
  ],
  [
    [
      { tool: 'pay', when, do: 'allow' },
      { tool: '*', do: 'ask' },
    ],
    false,
    'sometimes',
  ],
  [
    [
      { tool: 'pay', when, do: 'ask' },
      { tool: '*', do: 'ask' },
    ],
    false,
    'always',
  ],
  [[{ tool: 'send', do: 'ask' }], false, 'never'],
])('The rules %j and needsApproval %j of a tool require an approval: %s.', (rules, needsApproval, need) => {
  const execute = () => null
  const tool = defineTool({ name: 'pay', description: 'Pays.', inputSchema: z.object({}), needsApproval, execute })
  expect(approvalNeed(tool, [compileRules(rules, 'the troupe')])).toBe(need)
})
