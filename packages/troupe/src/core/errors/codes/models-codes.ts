/** Codes of language models. */
import type { CatalogueEntry } from '../catalogue-entry.ts'
import * as errors from '../troupe-error.ts'

export const modelsCodes = {
  'model.missing': {
    class: errors.ValidationError,
    message: 'The agent {agent} names no model, and AGENT_MODEL is not set.',
    hint: "Give the agent a model such as 'anthropic/NAME', or 'offline/extractive', which needs no key.",
  },
  'model.unknown': {
    class: errors.ValidationError,
    message: 'There is no model {model}: {problem}.',
    hint: "Write 'provider/model' with one of {known}, or pass an AI SDK model object or { url, model, apiKey }.",
  },
  'model.not_installed': {
    class: errors.ValidationError,
    message: 'The model {model} needs the package {package}, which is not installed.',
    hint: 'Run npm install {package}.',
  },
  'model.key_missing': {
    class: errors.ValidationError,
    message: 'The model {model} needs an API key: {variable} is not set.',
    hint: 'Set {variable} in the environment, or pass a model object that holds its key.',
  },
  'model.rejected': {
    class: errors.ExternalServiceError,
    message: 'The model {model} refused the call ({status}): {problem}.',
    hint: 'Trying again cannot help: check the key, the rights and the request.',
    retryable: false,
  },
  'model.setting': {
    class: errors.ValidationError,
    message: 'The model {model} cannot take the setting {setting}.',
    hint: "Leave it out, or set it for the models that take it: { model: 'provider/model', settings: { … } }.",
  },
  'model.content': {
    class: errors.ValidationError,
    message: 'The model {model} cannot take {what}: {problem}.',
    hint: 'Convert the file, make it smaller, or use a model that takes it.',
  },
  'model.failed': {
    class: errors.ExternalServiceError,
    message: 'The model {model} failed after {attempts} attempts: {problem}.',
    hint: 'Try later, or name a fallback: model: [first, second].',
  },
  'model.stalled': {
    class: errors.ExternalServiceError,
    message: 'The model {model} said nothing for {limit}: its stream was cut.',
    hint: 'Try later, name a fallback, or raise models.idle for a model that thinks for longer.',
  },
  'model.limited': {
    class: errors.RateLimitError,
    message: 'The model {model} is limiting calls; it wants {seconds} s of pause.',
    hint: 'Try later, or name a fallback: model: [first, second].',
  },
  'model.busy': {
    class: errors.CapacityError,
    message: 'The model {model} has all its places taken, and {queue} calls wait for one already.',
    hint: 'Try later, raise models.limits, or name a fallback: model: [first, second].',
  },
  'embedding.wrong': {
    class: errors.ExternalServiceError,
    message: 'The embedding model {model} gave no usable vectors: {problem}.',
    hint: 'Use another embedding model; vectors of two models or dimensions are never compared.',
    retryable: false,
  },
  'reranking.wrong': {
    class: errors.ExternalServiceError,
    message: 'The reranking model {model} gave no usable ranking: {problem}.',
    hint: 'Use another reranking model, or check what the server answers to POST /rerank.',
    retryable: false,
  },
  'cassette.miss': {
    class: errors.NotFoundError,
    message: 'The cassette has no {kind} call of {name} like this one: {problem}.',
    hint: "Correct what differs, or record it again with mode 'auto' or 'record'.",
  },
  'cassette.unreadable': {
    class: errors.ValidationError,
    message: 'The cassette can not be read: {problem}.',
    hint: "Record it again with mode 'record', or correct the named line.",
  },
  'cassette.unwritten': {
    class: errors.ProcessingError,
    message: 'The cassette can not be written: {problem}.',
    hint: "Make room where it lies, or let it be written there; with mode 'replay' it is only read.",
    retryable: false,
  },
  'model.circuit_open': {
    class: errors.CircuitOpenError,
    message:
      'The circuit of model {model} is open after repeated failures; the next attempt is allowed in {seconds} s.',
    hint: 'It is tried again by itself. Name a fallback: model: [first, second].',
  },
  'model.answer': {
    class: errors.AgentError,
    message: 'The model of {agent} gave no usable answer in {attempts} attempts: {problem}.',
    hint: 'Sharpen the instructions, use a stronger model, or open another way in the topology.',
  },
} as const satisfies Record<string, CatalogueEntry>
