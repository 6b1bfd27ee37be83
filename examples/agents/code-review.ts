/** An author writes code, a reviewer executes tests over it, and the author mends what they found. */
import { createTroupe, defineAgent, LlmAgent, patterns } from 'troupe'
import { MockModel } from 'troupe/testing'
import { sandboxTools, workspaceTools } from 'troupe/tools'

const tests = `
import { median } from './median.js'
const same = (values, expected) => {
  if (median(values) !== expected) throw new Error(\`median of \${values} is \${median(values)}, not \${expected}\`)
}
same([3], 3)
same([9, 3, 4], 4)
same([3, 9, 4, 17], 6.5)
`

/** Forgets lists of an even length at first, as people do. */
const scripted = () =>
  new MockModel({
    responses: [
      {
        toolCalls: [
          {
            name: 'write_file',
            args: {
              path: 'median.js',
              text: 'export const median = (v) => v.toSorted((a, b) => a - b)[Math.floor(v.length / 2)]\n',
            },
          },
        ],
      },
      'median.js is written.',
      {
        toolCalls: [
          {
            name: 'write_file',
            args: {
              path: 'median.js',
              text: `export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
`,
            },
          },
        ],
      },
      'An even number of values has the mean of the two in the middle now.',
    ],
  })

export async function main() {
  const author = new LlmAgent({
    name: 'Author',
    instructions: 'Write the module that is asked for with your tools. Where a review comes back, mend what it names.',
    model: process.env.MODEL ?? scripted(),
    tools: [...workspaceTools(), ...sandboxTools()],
  })
  const reviews: string[] = []
  // No model decides whether tests pass.
  const reviewer = defineAgent({
    name: 'Reviewer',
    run: async (_, { sandbox }) => {
      const { exitCode, stderr } = await sandbox.run({ code: tests })
      const found = stderr.match(/median of .*/)?.[0] ?? stderr
      reviews.push(exitCode === 0 ? 'pass' : found)
      return { pass: exitCode === 0, feedback: found }
    },
  })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { orchestra } = troupe.user('ada')
  const run = await orchestra.start({
    task: 'Write median.js, which exports median(values) of a list of numbers.',
    topology: patterns.loop({ body: author, check: reviewer, max: 4 }),
  })
  const { status, response } = await run.result()
  const { identical } = await orchestra.verifyReplay(run.id)
  return { status, response, reviews, identical }
}

if (import.meta.main) console.log(await main())
