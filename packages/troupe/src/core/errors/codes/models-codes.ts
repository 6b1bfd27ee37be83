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
    message: 'The model {model} rejected the call ({status}): {problem}.',
    hint: 'Do not retry: check the key, the rights and the request.',
    retryable: false,
  },
  'model.too_long': {
    class: errors.ExternalServiceError,
    message: 'The prompt is longer than the model {model} accepts ({status}): {problem}.',
    hint: 'Set memory.compaction or memory.maxTokens of the agent, shorten results with memory.maxResultTokens, or name a model with a larger context window.',
    retryable: false,
  },
  'model.setting': {
    class: errors.ValidationError,
    message: 'The model {model} cannot take the setting {setting}.',
    hint: "Omit it, or set it only for models that accept it: { model: 'provider/model', settings: { … } }.",
  },
  'model.content': {
    class: errors.ValidationError,
    message: 'The model {model} cannot take {what}: {problem}.',
    hint: 'Convert the file, make it smaller, or use a model that accepts it.',
  },
  'model.failed': {
    class: errors.ExternalServiceError,
    message: 'The model {model} failed after {attempts} attempts: {problem}.',
    hint: 'Try later, or name a fallback: model: [first, second].',
  },
  'model.stalled': {
    class: errors.ExternalServiceError,
    message: 'The model {model} sent nothing for {limit}, so its stream was aborted.',
    hint: 'Try later, name a fallback, or raise models.idle for a model that thinks for longer.',
  },
  'model.limited': {
    class: errors.RateLimitError,
    message: 'The model {model} limits calls; retry after {seconds} s.',
    hint: 'Try later, or name a fallback: model: [first, second].',
  },
  'model.busy': {
    class: errors.CapacityError,
    message: 'The model {model} has reached its concurrency limit, and {queue} calls wait already.',
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
    hint: 'Use another reranking model, or check the response of the server to POST /rerank.',
    retryable: false,
  },
  'cassette.miss': {
    class: errors.NotFoundError,
    message: 'The cassette has no {kind} call of {name} like this one: {problem}.',
    hint: "Correct the difference, or record the cassette again with mode 'auto' or 'record'.",
  },
  'cassette.unreadable': {
    class: errors.ValidationError,
    message: 'The cassette cannot be read: {problem}.',
    hint: "Record it again with mode 'record', or correct the named line.",
  },
  'cassette.unwritten': {
    class: errors.ProcessingError,
    message: 'The cassette cannot be written: {problem}.',
    hint: "Free disk space and check the permissions of its folder. Mode 'replay' only reads it.",
    retryable: false,
  },
  'model.circuit_open': {
    class: errors.CircuitOpenError,
    message:
      'The circuit of model {model} is open after repeated failures; the next attempt is allowed in {seconds} s.',
    hint: 'Calls are admitted again automatically. Set a fallback: model: [first, second].',
  },
  'model.answer': {
    class: errors.AgentError,
    message: 'The model of {agent} gave no usable answer in {attempts} attempts: {problem}.',
    hint: 'Make the instructions more precise, use a stronger model, or add an edge to the topology.',
  },
} as const satisfies Record<string, CatalogueEntry>
