/**
 * The span that an event starts or ends. An event has its position (`trace`, `span`, `parent`); an event with a duration is emitted
 * once, at the end.
 */
import { type EventFields, hashText, type Json } from '../../core/index.ts'
import type { Span, SpanKind } from './span.ts'

interface Shape {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: { readonly [name: string]: Json | undefined }
}

/** @returns undefined for an event that starts or ends no span, or has no trace */
export function spanOfEvent(event: EventFields): Span | undefined {
  const { trace, span, at, startedAt, durationMs } = event
  if (typeof trace !== 'string' || typeof span !== 'string') return undefined
  const shape = shapeOf(event)
  if (!shape) return undefined
  // A send has a span below the sender's span.
  const sent = event.type === 'message.sent'
  const parent = sent ? span : event.parent
  const own = sent ? hashText(`message ${String(event.id)}`).slice(0, 16) : span
  const running = beginnings.has(event.type) || (event.type === 'step.released' && waiting.has(event.status))
  return {
    traceId: trace,
    id: own,
    ...(typeof parent === 'string' && parent !== own ? { parent } : {}),
    name: shape.name,
    kind: shape.kind,
    startedAt: typeof startedAt === 'number' ? startedAt : at - (typeof durationMs === 'number' ? durationMs : 0),
    ...(running ? {} : { endedAt: at }),
    status: running ? 'running' : failedOf(event) ? 'error' : 'ok',
    ...(event.isSampled === false ? { isSampled: false } : {}),
    attributes: compact(common(event), shape.attributes),
  }
}

const beginnings = new Set<string>(['run.started', 'branch.started', 'step.started'])
/** The statuses of a released step that continues later, perhaps in another process. */
const waiting = new Set<unknown>(['parked', 'uncertain', 'code.changed', 'lost'])
const failedOf = ({ type, success }: EventFields) => success === false || type.endsWith('.failed')

function shapeOf(event: EventFields): Shape | undefined {
  const { agent, tool, messageType } = event
  switch (event.type) {
    case 'run.started':
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return of('invoke_workflow', 'internal', { 'gen_ai.operation.name': 'invoke_workflow' })
    case 'branch.started':
    case 'branch.completed':
    case 'branch.failed':
    case 'branch.cancelled':
      return of(`branch ${String(event.branch)}`, 'internal', { 'troupe.branch.id': event.branch })
    case 'step.started':
    case 'step.completed':
    case 'step.failed':
      return invoked(agent, event)
    case 'step.released':
      // The run reports its own steps from their start, including waits.
      if (event.runId !== undefined) return undefined
      return messageType === undefined ? invoked(agent, event) : processed(event)
    case 'model.called':
      return request('chat', event)
    case 'model.embedded':
      return request('embeddings', event)
    case 'model.reranked':
      return request('rerank', event)
    case 'tool.called':
      return of(`execute_tool ${String(tool)}`, 'internal', {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': tool,
        'gen_ai.tool.type': 'function',
        'gen_ai.tool.call.id': event.callId,
      })
    case 'message.sent':
      return of(`send ${String(messageType)}`, 'producer', messaging('send', event.to, event))
    case 'span.ended':
      return of(String(event.name), 'internal', attributesOf(event))
    default:
      return undefined
  }
}

const of = (name: string, kind: SpanKind, attributes: Shape['attributes']): Shape => ({ name, kind, attributes })
const invoked = (agent: Json | undefined, event: EventFields) =>
  of(`invoke_agent ${String(agent)}`, 'internal', {
    'gen_ai.operation.name': 'invoke_agent',
    'troupe.step.id': event.step ?? event.stepId,
    'troupe.attempt': event.attempt,
  })
const processed = (event: EventFields) =>
  of(`process ${String(event.messageType)}`, 'consumer', messaging('process', event.agent, event))
const messaging = (operation: string, mailbox: Json | undefined, { id, messageType }: EventFields) => ({
  'messaging.system': 'troupe',
  'messaging.operation.type': operation,
  'messaging.destination.name': mailbox,
  'messaging.message.id': id,
  'troupe.message.type': messageType,
})
/** The providers to which OpenTelemetry gives another name. */
const conventionalProviders = new Map([
  ['amazon-bedrock', 'aws.bedrock'],
  ['azure', 'azure.ai.openai'],
  ['google', 'gcp.gemini'],
  ['mistral', 'mistral_ai'],
  ['xai', 'x_ai'],
])
/** Splits `provider/model`, since OpenTelemetry has a field for each. Its spans are named after the model alone. */
function request(operation: string, event: EventFields): Shape {
  const name = String(event.model)
  const slash = name.indexOf('/')
  const provider = slash < 0 ? name : name.slice(0, slash)
  const model = name.slice(slash + 1)
  return of(`${operation} ${model}`, 'client', {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': conventionalProviders.get(provider) ?? provider,
    'gen_ai.request.model': model,
    ...answered(event),
  })
}
const answered = (event: EventFields) => ({
  'gen_ai.response.id': event.responseId,
  'gen_ai.response.model': event.responseModel,
  'gen_ai.response.finish_reasons': event.finish === undefined ? undefined : [event.finish],
  'gen_ai.usage.input_tokens': event.inputTokens,
  'gen_ai.usage.cache_read.input_tokens': event.cacheReadTokens,
  'gen_ai.usage.cache_creation.input_tokens': event.cacheWriteTokens,
  'gen_ai.usage.output_tokens': event.outputTokens,
  'troupe.cost.usd': event.cost,
})
/** Has no user: exports leave the installation, and stored spans belong to the user anyway. */
const common = (event: EventFields) => ({
  'gen_ai.agent.name': event.agent,
  'gen_ai.conversation.id': event.threadId ?? event.runId,
  // A failed span has an error type in each case.
  'error.type': event.code ?? (failedOf(event) ? '_OTHER' : undefined),
  'troupe.error.id': event.errorId,
})
const attributesOf = ({ attributes }: EventFields): Shape['attributes'] =>
  typeof attributes === 'object' && attributes !== null && !Array.isArray(attributes)
    ? (attributes as Shape['attributes'])
    : {}

/** Later values take precedence. */
function compact(...all: readonly Shape['attributes'][]): { readonly [name: string]: Json } {
  const found: Record<string, Json> = {}
  for (const attributes of all)
    for (const name of Object.keys(attributes)) {
      const value = attributes[name]
      if (value !== undefined) found[name] = value
    }
  return found
}
