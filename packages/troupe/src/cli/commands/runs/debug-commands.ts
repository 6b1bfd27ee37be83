/** Commands for debugging runs: earlier states, breakpoints, and continuing with changes. */

import type { OperationRequest } from '../../../client/index.ts'
import { type CliCommand, text } from '../../cli-command.ts'
import { misused } from '../../exit-codes.ts'
import { indented } from '../../output/safe.ts'
import { readValue } from '../../read-value.ts'

type Breakpoints = OperationRequest<'runs.setBreakpoints'>['body']['breakOn']

export const debugCommands: readonly CliCommand[] = [
  {
    name: 'runs at',
    parameters: '<run> <seq>',
    description: 'Show a run as it was at one of its events: branches, context, messages',
    async run({ client, out }, [run = '', seq = '']) {
      if (!/^\d+$/.test(seq))
        throw misused(
          `runs at takes the number of an event, and got ${seq}.`,
          `\`troupe runs events ${run}\` shows them.`,
        )
      out.show(await (await client()).call('runs.at', { path: { run, seq: Number(seq) } }), indented)
    },
  },
  {
    name: 'runs inspect',
    parameters: '<run>',
    description: 'Show the state of a run, its breakpoint and its next steps',
    async run({ client, out }, [run = '']) {
      out.show(await (await client()).call('runs.inspect', { path: { run } }), indented)
    },
  },
  {
    name: 'runs break',
    parameters: '<run> <breakpoints>',
    description:
      'Set the breakpoints of a run: error, or JSON such as [{"agent":"Two"},{"tool":"pay"},{"seq":40}]; [] removes them',
    async run({ client, out, signal }, [run = '', valueText = '']) {
      const breakOn = await readValue<Breakpoints>(valueText, signal)
      await (await client({ code: true })).call('runs.setBreakpoints', { path: { run }, body: { breakOn } })
      out.show({ ok: true }, () => 'Set.')
    },
  },
  {
    name: 'runs step',
    parameters: '<run>',
    description: 'Resume a run until another step has started, then stop it',
    async run({ client, out }, [run = '']) {
      out.show(await (await client({ code: true })).call('runs.step', { path: { run }, body: {} }), indented)
    },
  },
  {
    name: 'runs edit',
    parameters: '<run>',
    description: 'Edit the inputs or results with which a run at a breakpoint continues',
    options: [
      ['--results <json>', 'Results in place of held failures: { step: value }'],
      ['--inputs <json>', 'Inputs of branches that are about to begin a step: { branch: value }'],
    ],
    async run({ client, out, signal }, [run = ''], options) {
      const read = async (name: string) => {
        const value = text(options, name)
        return value === undefined ? {} : { [name]: await readValue(value, signal) }
      }
      const body = { ...(await read('results')), ...(await read('inputs')) }
      if (Object.keys(body).length === 0) throw misused('runs edit needs --results or --inputs.')
      await (await client({ code: true })).call('runs.edit', { path: { run }, body })
      out.show({ ok: true }, () => 'Changed.')
    },
  },
]
