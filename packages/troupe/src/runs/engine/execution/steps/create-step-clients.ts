/**
 * The clients of a step of a run. Questions to people and requests to agents of the run go through the run, and occupy
 * no process.
 */
import { type Agent, createQuestion, recordedAsk, type StepClients } from '../../../../agents/index.ts'
import type { ContextClient } from '../../../../context/index.ts'
import {
  checkOptions,
  checkSignal,
  copyJson,
  hashJson,
  invalidInput,
  milliseconds,
  parse,
  taintField,
} from '../../../../core/index.ts'
import { type Recorder, runJournal, stepJournal } from '../../../../journal/index.ts'
import {
  checkMessageType,
  type MessageClient,
  type MessageType,
  type RequestOptions,
} from '../../../../messaging/index.ts'
import type { Fragment } from '../../../../storage/index.ts'
import { startChildRun } from '../../children/start-child-run.ts'
import { type RunMessage, runMessageJson } from '../../commands/run-message.ts'
import type { OrchestraParts } from '../../orchestra-parts.ts'
import type { RunStep } from './run-step.ts'

/** @param over the clients of the step, if these are of one of its stages, and the rights of agents that act for it */
export function createStepClients(
  parts: OrchestraParts,
  at: RunStep,
  agent: Agent,
  recorder: Recorder,
  over?: { readonly context: ContextClient; readonly within: readonly Agent['access'][] },
): StepClients {
  const { context, messages, metrics } = parts.agents.clients(recorder, agent, over?.context, over?.within)
  const notify = (wait: string, message: RunMessage): Fragment =>
    parts.journal.inbox.put(at.user, runJournal(at.run), stepJournal(at.run, at.step), wait, runMessageJson(message))
  return {
    context,
    metrics,
    messages: {
      send: (type, payload, options) => messages.send(type, payload, options),
      broadcast: (type, payload, options) => messages.broadcast(type, payload, options),
      publish: (type, payload, options) => messages.publish(type, payload, options),
      request: requestVia(parts, at, recorder, messages, notify),
    },
    startRun: (spec) => startChildRun(parts, at, recorder, spec),
    ask(options) {
      const question = createQuestion(options)
      return recorder.wait({
        ...recordedAsk(question),
        notify: (wait) => notify(wait, { type: 'question.asked', step: at.step, wait, question, agent: at.agent }),
      })
    },
  }
}

/** A request to an agent of the run becomes a step of the run; a request to another agent goes to its mailbox. */
function requestVia(
  parts: OrchestraParts,
  at: RunStep,
  recorder: Recorder,
  messages: MessageClient,
  notify: (wait: string, message: RunMessage) => Fragment,
): MessageClient['request'] {
  return async <P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R> => {
    checkOptions('request', options, ['to', 'timeout', 'priority', 'threadId', 'metadata', 'signal'])
    checkSignal('request', options.signal)
    checkMessageType(type)
    const { to } = options
    if (!at.agents.has(to)) return messages.request(type, payload, options)
    for (const option of ['priority', 'threadId', 'metadata'] as const)
      if (options[option] !== undefined)
        throw invalidInput(
          `The option ${option} of request`,
          `${to} works in this run, where a request becomes a step and no message`,
        )
    const what = `The payload of ${type.name}`
    const json = copyJson(type.schema ? await parse(type.schema, payload, what) : payload, what)
    const timeoutMs = milliseconds(options.timeout ?? '30s', 'The timeout of the request', '1ms')
    const deadline = parts.platform.clock.now() + timeoutMs
    const reply = await recorder.wait({
      call: { kind: 'request', name: `${type.name} to ${to}` },
      input: hashJson(json),
      // Its timeout is a clock of the run, which stops with it.
      notify: (wait) => {
        const message = { step: at.step, wait, to, message: type.name, payload: json, deadline }
        return notify(wait, { type: 'request.made', ...message, ...taintField(recorder.taint) })
      },
    })
    return (type.reply ? await parse(type.reply, reply, `The reply to ${type.name}`) : reply) as R
  }
}
