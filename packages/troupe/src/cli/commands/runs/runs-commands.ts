/** Runs: looked at, steered, and asked why. */

import type { OperationRequest } from '../../../client/index.ts'
import { type CliCommand, type CommandContext, integerOption, listed, text } from '../../cli-command.ts'
import { complaintOf, exitCodes, misused } from '../../exit-codes.ts'
import { indented, oneLine, safe } from '../../output/safe.ts'
import { readValue } from '../../read-value.ts'
import { answerValueOf, chosenResolution, resolutionOptions } from './approval-commands.ts'
import { begunFrom, followUnlessDetached, isRunEndEvent, leaving, submitAnswer } from './run-command.ts'
import { runsListCommand } from './runs-list-command.ts'
import { questionsOf, type Status, showResult } from './show-result.ts'

interface Event {
  readonly seq: number
  readonly type: string
  readonly at: number
}

const command = (verb: 'pause' | 'resume' | 'cancel', description: string): CliCommand => ({
  name: `runs ${verb}`,
  parameters: '<run>',
  description,
  options: verb === 'resume' ? [leaving] : [],
  async run(context, [run = ''], options) {
    // Resuming and cleaning up need the code of the agents; a server has it.
    const client = await context.client({ code: true })
    const asked = client.call(`runs.${verb}`, { path: { run }, body: {} })
    const report = (status: Status) =>
      context.out.show(status, ({ status: now, reason }) => `${run}: ${now}${reason ? ` (${reason})` : ''}`)
    const isHere = verb === 'resume' && !client.remote && options.detach !== true
    const status = await (isHere ? asked.catch(unlessOver) : asked)
    if (verb === 'resume') return followUnlessDetached(context, run, options, () => status && report(status))
    if (status) report(status)
  },
})

/**
 * Ignores `run.over`: a troupe that is opened here resumes runs immediately, so the run may have ended before the
 * command.
 */
function unlessOver(error: unknown): undefined {
  if (complaintOf(error).code === 'run.over') return undefined
  throw error
}

async function follow(context: CommandContext, run: string, from: number, only: string | undefined): Promise<void> {
  // Without a server, the run continues in this process.
  const client = await context.client({ code: true })
  for await (const { data } of client.stream('runs.events', { path: { run }, query: { from } })) {
    if (only === undefined || data.type.startsWith(only)) printEvent(context, data)
    if (isRunEndEvent(data)) return
  }
}

function printEvent({ out }: CommandContext, data: Event): void {
  out.line(data)
  const { seq, type, at: when, ...rest } = data
  const details = Object.fromEntries(Object.entries(rest).filter(([name]) => !ofEach.includes(name)))
  const width = Math.max(20, out.width - 55)
  out.print(
    `${String(seq).padStart(5)}  ${new Date(when).toISOString()}  ${type.padEnd(20)}  ${oneLine(details, width)}`,
  )
}
const ofEach = ['run', 'user', 'trace', 'path']

export const runsCommands: readonly CliCommand[] = [
  runsListCommand,
  {
    name: 'runs show',
    parameters: '<run>',
    description: 'Show the status of a run: questions, result, cost',
    async run({ client, out }, [run = '']) {
      showResult(out, run, await (await client()).call('runs.result', { path: { run }, query: {} }))
    },
  },
  {
    name: 'runs result',
    parameters: '<run>',
    description: 'Wait until a run ends or waits, and print its result',
    options: [['--wait <duration>', 'The maximal time to wait, such as 30s (default: no limit)']],
    async run({ client, out, signal }, [run = ''], options) {
      const opened = await client({ code: true })
      const wait = text(options, 'wait')
      for (;;) {
        const result = await opened.call('runs.result', { path: { run }, query: { wait: wait ?? '30s' } })
        if (result.status === 'running' && wait === undefined && !signal.aborted) continue
        showResult(out, run, result)
        if (result.status === 'waiting') return exitCodes.waiting
        return result.status === 'failed' || result.status === 'cancelled' ? exitCodes.failed : exitCodes.ok
      }
    },
  },
  {
    name: 'runs events',
    parameters: '<run>',
    description: 'Print the events of a run until it ends',
    options: [
      ['--from <seq>', 'Only events after this one'],
      ['--type <name>', 'Only events whose name has this prefix'],
    ],
    async run(context, [run = ''], options) {
      await follow(context, run, integerOption(options, 'from', 0), text(options, 'type'))
    },
  },
  command('pause', 'Pause a run: steps in progress finish, no new step starts'),
  command('resume', 'Resume a paused run; without a server also one that was interrupted, carried by this process'),
  command('cancel', 'Cancel a run; its steps clean up first'),
  {
    name: 'runs answer',
    parameters: '<run> <question> <value>',
    description: 'Answer a question of a run: a text, one of its options, or yes and no for an approval',
    options: [leaving],
    async run(context, [run = '', question = '', valueText = ''], options) {
      const client = await context.client({ code: true })
      const result = await client.call('runs.result', { path: { run }, query: {} })
      const asks = questionsOf(result).find(({ id }) => id === question)
      await submitAnswer(context, client, run, { question, value: await answerValueOf(context, asks, valueText) })
      return followUnlessDetached(context, run, options, () => context.out.show({ ok: true }, () => 'Answered.'))
    },
  },
  {
    name: 'runs why',
    parameters: '<run>',
    description: 'Explain in plain words why a run waits, failed, cost that much or took its path',
    async run({ client, out }, [run = '']) {
      const explanation = await (await client()).call('runs.why', { path: { run } })
      out.show(explanation, ({ sentences }) => safe(sentences.map(({ text: line }) => line).join('\n')))
    },
  },
  {
    name: 'runs scores',
    parameters: '<run>',
    description: 'Show the online scores of a run, with the reasons of a judge',
    async run({ client, out }, [run = '']) {
      const { scores } = await (await client()).call('runs.scores', { path: { run } })
      const rows = Object.entries(scores).map(([scorer, verdict]) => ({ scorer, ...verdict }))
      const columns = [
        { name: 'SCORER', of: ({ scorer }: (typeof rows)[number]) => scorer },
        { name: 'SCORE', of: ({ score }: (typeof rows)[number]) => score.toFixed(2) },
        { name: 'REASON', of: ({ choice, reason }: (typeof rows)[number]) => reason ?? choice ?? '' },
      ]
      out.table(rows, columns, 'The run has no online scores: it was not sampled, or is not scored yet.')
    },
  },
  {
    name: 'runs prompts',
    parameters: '<run> <step>',
    description: 'Show what the model calls of a step were sent',
    async run({ client, out }, [run = '', step = '']) {
      const { prompts } = await (await client({ code: true })).call('runs.prompts', { path: { run, step } })
      out.show(prompts, (all) => (all.length === 0 ? 'The step called no model.' : indented(all)))
    },
  },
  {
    name: 'runs verify-replay',
    parameters: '<run>',
    description: 'Replay a run on its recorded inputs and compare the events; calls no model and no tool',
    async run({ client, out }, [run = '']) {
      const replayed = await (await client()).call('runs.verifyReplay', { path: { run }, body: {} })
      out.show(replayed, ({ identical, events, difference }) =>
        identical
          ? `Identical: ${events} events.`
          : safe(`It comes out differently:\n${JSON.stringify(difference, undefined, 2)}`),
      )
      return replayed.identical ? exitCodes.ok : exitCodes.failed
    },
  },
  {
    name: 'runs compare',
    parameters: '<one> <other>',
    description: 'Compare two runs and show where they diverge',
    async run({ client, out }, [one = '', other = '']) {
      const found = await (await client()).call('runs.compare', { path: { run: one, other } })
      out.show(found, indented)
    },
  },
  {
    name: 'runs fork',
    parameters: '<run>',
    description: 'Fork a run: start a new one that shares its history up to an event and continues with your edits',
    options: [
      ['--at <seq>', 'Fork after this event'],
      ['--edit <json>', 'The edits: { results, prompts, answers, model }'],
      ['--repeat', 'Repeat at-most-once effects that began after the event'],
      ['--plan', 'Only show what the fork would share, pay, repeat and ask'],
      leaving,
    ],
    async run(context, [run = ''], options) {
      if (options.at === undefined)
        throw misused('runs fork needs --at.', `\`troupe runs events ${run}\` shows the numbers.`)
      type Edit = OperationRequest<'runs.fork'>['body']['edit']
      const edit = options.edit === undefined ? undefined : await readValue<Edit>(String(options.edit), context.signal)
      const body = { at: integerOption(options, 'at', 0), ...(edit === undefined ? {} : { edit }) }
      if (options.plan === true) {
        const client = await context.client({ code: true })
        context.out.show(await client.call('runs.planFork', { path: { run }, body }), indented)
        return undefined
      }
      const forked = { ...body, ...repeated(options) }
      return begunFrom(context, options, (client) => client.call('runs.fork', { path: { run }, body: forked }))
    },
  },
  {
    name: 'runs retry',
    parameters: '<run>',
    description: 'Retry a failed run from its failure, as a new run; completed work is not repeated',
    options: [
      ['--from <step>', 'Begin with this failed step'],
      ['--budget <json>', 'The budget in place of the exhausted one'],
      ['--repeat', 'Repeat at-most-once effects that began after the failure'],
      leaving,
    ],
    async run(context, [run = ''], options) {
      type Budget = Readonly<Record<string, unknown>>
      const budget = text(options, 'budget')
      const body = {
        from: text(options, 'from'),
        budget: budget === undefined ? undefined : await readValue<Budget>(budget, context.signal),
        ...repeated(options),
      }
      return begunFrom(context, options, (client) => client.call('runs.retry', { path: { run }, body }))
    },
  },
  {
    name: 'runs undo',
    parameters: '<run>',
    description: 'Undo the effects of a run that has ended, last effect first',
    options: [
      ['--steps <ids>', 'Only effects of these steps, separated by commas'],
      ['--plan', 'Only list what would be undone'],
    ],
    async run({ client, out }, [run = ''], options) {
      const { effects } = await (await client({ code: true })).call('runs.undo', {
        path: { run },
        body: { steps: listed(options, 'steps'), ...(options.plan === true ? { plan: true } : {}) },
      })
      out.table(
        effects,
        [
          { name: 'STEP', of: ({ step }) => step },
          { name: 'EFFECT', of: ({ effect }) => effect },
          { name: 'STATUS', of: ({ status }) => status },
          { name: 'ERROR', of: ({ error }) => error?.message ?? '' },
        ],
        'The run has no effects.',
      )
      return effects.some(({ status }) => status === 'failed') ? exitCodes.failed : exitCodes.ok
    },
  },
  {
    name: 'runs export',
    parameters: '<run>',
    description: 'Export a run as one redacted file that another installation can open and replay',
    async run({ client, out }, [run = '']) {
      out.show(await (await client()).call('runs.export', { path: { run }, query: {} }), indented)
    },
  },
  {
    name: 'runs uncertain',
    parameters: '<run>',
    description: 'List effects with an unknown outcome',
    async run({ client, out }, [run = '']) {
      const { effects } = await (await client()).call('runs.uncertain', { path: { run } })
      out.table(
        effects,
        [
          { name: 'STEP', of: ({ step }) => step },
          { name: 'CALL', of: ({ call }) => call },
          { name: 'EFFECT', of: ({ name }) => name },
          { name: 'CLASS', of: (effect) => effect.class },
          { name: 'INPUT', of: ({ input }) => (input === undefined ? '' : JSON.stringify(input)) },
          { name: 'KEY', of: ({ key }) => key ?? '' },
          { name: 'SINCE', of: ({ since }) => since },
        ],
        'Every effect is known to have happened or not.',
      )
    },
  },
  {
    name: 'runs resolve',
    parameters: '<run> <step> <call>',
    description: 'Resolve an uncertain effect: it happened, or it did not',
    options: [...resolutionOptions, leaving],
    async run(context, [run = '', step = '', call = ''], options) {
      const body = { step, call, ...(await chosenResolution(context, options)) }
      await (await context.client({ code: true })).call('runs.resolve', { path: { run }, body })
      return followUnlessDetached(context, run, options, () => context.out.show({ ok: true }, () => 'Resolved.'))
    },
  },
]

const repeated = (options: Parameters<CliCommand['run']>[2]) => (options.repeat === true ? { repeat: true } : {})
