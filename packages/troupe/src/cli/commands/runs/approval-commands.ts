/** Commands for what waits for a person, of runs, sessions and message handlers. */
import type { ClientSchemas, ItemOf } from '../../../client/index.ts'
import { isPlainObject } from '../../../core/index.ts'
import { type CliCommand, type CommandContext, listLimit, type Options, pagingOptions } from '../../cli-command.ts'
import { type ExitCode, misused } from '../../exit-codes.ts'
import type { Column } from '../../output/output.ts'
import { readValue } from '../../read-value.ts'
import type { CliClient } from '../../transport/cli-client.ts'
import { followUnlessDetached, leaving } from './run-command.ts'
import { ageOf } from './runs-list-command.ts'

type Item = ItemOf<'approvals.list'>
/** A question or an effect of an item. */
type Waiting = Omit<Item, 'questions' | 'uncertain'> & {
  readonly question?: Item['questions'][number]
  readonly effect?: Item['uncertain'][number]
}

const columns: readonly Column<Waiting>[] = [
  { name: 'APPROVAL', of: ({ id }) => id },
  { name: 'KIND', of: ({ question }) => question?.kind ?? 'effect' },
  { name: 'QUESTION OR EFFECT', of: ({ question, effect }) => question?.id ?? `${effect?.step} ${effect?.call}` },
  { name: 'AGE', of: ({ createdAt }) => ageOf(Date.now() - Date.parse(createdAt)) },
  { name: 'TITLE', of: ({ title }) => title },
  {
    name: 'ABOUT',
    of: ({ question, effect }) => (question ? `${question.agent}: ${question.text}` : aboutEffect(effect)),
  },
]
const aboutEffect = (effect: Waiting['effect']): string =>
  `${effect?.name} ${effect?.key ?? ''} ${effect?.input === undefined ? '' : JSON.stringify(effect.input)}`.trim()

const waitingOf = ({ questions, uncertain, ...item }: Item): readonly Waiting[] => [
  ...questions.map((question) => ({ ...item, question })),
  ...uncertain.map((effect) => ({ ...item, effect })),
]

/**
 * Returns the value of an answer: for an approval, yes or no is bound to the shown arguments, and JSON is the complete answer,
 * such as one with a reason.
 * @throws CliError for an approval that is answered with another text
 */
export async function answerValueOf(
  { signal }: CommandContext,
  asked: ClientSchemas['Question'] | undefined,
  valueText: string,
): Promise<unknown> {
  if (asked?.kind !== 'approval') return readValue(valueText, signal)
  if (/^(yes|no)$/i.test(valueText)) return { approve: /^yes$/i.test(valueText), hash: asked.hash }
  const value = await readValue(valueText, signal)
  if (!isPlainObject(value)) throw misused(`An approval is answered with yes or no, and got ${valueText}.`)
  return value
}

export const resolutionOptions = [
  ['--happened', 'The effect happened'],
  ['--not-happened', 'The effect did not happen: execute it'],
  ['--output <json>', 'The output of the effect, if it happened'],
] as const

/** @throws CliError unless one of both options is set */
export async function chosenResolution(
  { signal }: CommandContext,
  options: Options,
): Promise<{ readonly happened: boolean; readonly output?: unknown }> {
  if ((options.happened === true) === (options.notHappened === true))
    throw misused('Pass --happened or --not-happened.')
  const happened = options.happened === true
  return options.output === undefined
    ? { happened }
    : { happened, output: await readValue(String(options.output), signal) }
}

export const approvalCommands: readonly CliCommand[] = [
  {
    name: 'approvals list',
    description:
      'List the questions and uncertain effects of runs, sessions and message handlers that wait for a person',
    options: [['--all-users', 'The questions and effects of all users'], ...pagingOptions(100)],
    async run({ client, out }, _, options) {
      const isOfAll = options.allUsers === true
      const found: Waiting[] = []
      const asked = { query: isOfAll ? ({ allUsers: 'true' } as const) : {}, max: listLimit(options, 100) }
      for await (const item of (await client()).pages('approvals.list', asked)) found.push(...waitingOf(item))
      const user = { name: 'USER', of: (one: Waiting) => one.user }
      out.table(found, isOfAll ? [user, ...columns] : columns, 'Nothing waits for a person.')
    },
  },
  {
    name: 'approvals answer',
    parameters: '<approval> <question> <value>',
    description: 'Answer a question of a run or session: a text, one of its options, or yes and no for an approval',
    options: [leaving],
    async run(context, [approval = '', question = '', valueText = ''], options) {
      const client = await context.client({ code: true })
      const asked = await findQuestion(client, approval, question)
      const value = await answerValueOf(context, asked, valueText)
      await client.call('approvals.answer', { path: { approval }, body: { question, value } })
      return finish(context, approval, options, 'Answered.')
    },
  },
  {
    name: 'approvals resolve',
    parameters: '<approval> <step> <call>',
    description: 'Resolve an uncertain effect of a run, session or message handler: it happened, or it did not',
    options: [...resolutionOptions, leaving],
    async run(context, [approval = '', step = '', call = ''], options) {
      const body = { step, call, ...(await chosenResolution(context, options)) }
      await (await context.client({ code: true })).call('approvals.resolve', { path: { approval }, body })
      return finish(context, approval, options, 'Resolved.')
    },
  },
  {
    name: 'approvals cancel',
    parameters: '<approval>',
    description: 'Cancel a run or the open call of a session; its uncertain effects stay until they are resolved',
    async run(context, [approval = '']) {
      // Cleaning up needs the code of the agents; a server has it.
      const client = await context.client({ code: true })
      const answer = await client.call('approvals.cancel', { path: { approval }, body: {} })
      context.out.show(answer, ({ cancelled }) => (cancelled ? 'Cancelled.' : 'It has no open call.'))
    },
  },
]

/** Without a server, a run continues in this process. */
async function finish(
  context: CommandContext,
  approval: string,
  options: Options,
  done: string,
): Promise<ExitCode | undefined> {
  const report = () => context.out.show({ ok: true }, () => done)
  const run = /^run:(.+)$/s.exec(approval)?.[1]
  if (run !== undefined) return followUnlessDetached(context, run, options, report)
  report()
  return undefined
}

async function findQuestion(client: CliClient, approval: string, question: string) {
  for await (const { id, questions } of client.pages('approvals.list', { query: {} }))
    if (id === approval) return questions.find((one) => one.id === question)
  return undefined
}
