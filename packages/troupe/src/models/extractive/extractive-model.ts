/**
 * A model that works without a network or a key, and is not a language model: it finds, quotes and arranges texts of
 * its prompt, and reports if there are none. The same prompt gives the same bytes.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4GenerateResult,
  SharedV4Warning,
} from '@ai-sdk/provider'
import type { BoundedEvaluator } from '../../security/index.ts'
import { chooseTool } from './choose-tool.ts'
import { readPrompt } from './read-prompt.ts'
import { type FindFitting, fittingBy } from './schema/find-fitting.ts'
import { SchemaFiller } from './schema/schema-filler.ts'
import { streamOf } from './stream-of.ts'
import { composeText } from './text/compose-text.ts'
import { type Material, materialOf } from './text/material.ts'
import { countWords, cutText, wordsInPrompt } from './text/words.ts'

/**
 * Creates the offline extractive model. It answers questions from texts in the prompt, sums them up, splits questions,
 * calls tools that search and read, and fills JSON schemas; usage is counted in words.
 * @param evaluator tries the patterns of schemas. Without one, a text that a pattern must fit is omitted.
 * @example
 * import { generateText } from 'ai'
 * const { text } = await generateText({ model: extractiveModel(), prompt: 'What is tea?\n\nTea is a drink.' })
 */
export function extractiveModel(evaluator?: BoundedEvaluator): LanguageModelV4 {
  const findFitting = fittingBy(evaluator)
  const doGenerate = (options: LanguageModelV4CallOptions) => generate(options, findFitting)
  return {
    specificationVersion: 'v4',
    provider: 'troupe',
    modelId: 'extractive',
    supportedUrls: {},
    doGenerate,
    doStream: async (options) => ({ stream: streamOf(await doGenerate(options), options.abortSignal) }),
  }
}

type Part = Pick<LanguageModelV4GenerateResult, 'content' | 'finishReason'>

async function generate(
  options: LanguageModelV4CallOptions,
  findFitting: FindFitting,
): Promise<LanguageModelV4GenerateResult> {
  const { abortSignal, prompt } = options
  abortSignal?.throwIfAborted()
  const material = materialOf(readPrompt(prompt), findFitting)
  abortSignal?.throwIfAborted()
  const part = await partOf(options, material)
  const output = part.content
    .map((one) => (one.type === 'text' ? one.text : one.type === 'tool-call' ? one.input : ''))
    .join(' ')
  const [input, text] = [wordsInPrompt(prompt), countWords(output)]
  return {
    ...part,
    usage: {
      inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: text, text, reasoning: 0 },
    },
    warnings: warningsFor(options, material),
    response: { modelId: 'extractive' },
  }
}

async function partOf(options: LanguageModelV4CallOptions, material: Material): Promise<Part> {
  const tools = (options.tools ?? []).filter((tool): tool is LanguageModelV4FunctionTool => tool.type === 'function')
  const chosen = await chooseTool(tools, options.toolChoice ?? { type: 'auto' }, material)
  if (chosen === 'impossible')
    return textPart('No tool can be called with the content of the prompt.', 'other', 'arguments-not-in-text')
  if (chosen !== 'none') {
    const toolCallId = `call-${material.task.callCount + 1}`
    const { toolName, input } = chosen
    return {
      content: [{ type: 'tool-call', toolCallId, toolName, input: JSON.stringify(input) }],
      finishReason: { unified: 'tool-calls', raw: undefined },
    }
  }
  return options.responseFormat?.type === 'json' ? jsonPart(options, material) : plainPart(options, material)
}

function plainPart({ maxOutputTokens, stopSequences }: LanguageModelV4CallOptions, material: Material): Part {
  const { text, cut } = cutText(composeText(material), maxOutputTokens, stopSequences)
  return textPart(text, cut ? 'length' : 'stop')
}

async function jsonPart(
  { responseFormat, maxOutputTokens }: LanguageModelV4CallOptions,
  material: Material,
): Promise<Part> {
  const schema = responseFormat?.type === 'json' ? responseFormat.schema : undefined
  const filled = await new SchemaFiller(schema ?? defaultSchema, material).fill(
    responseFormat?.type === 'json' ? responseFormat.name : undefined,
  )
  if (!filled.ok)
    return textPart(`The text does not say what ${filled.missing} of the schema asks for.`, 'other', 'not-in-text')
  const { text, cut } = cutText(JSON.stringify(filled.value), maxOutputTokens)
  return textPart(text, cut ? 'length' : 'stop')
}

/** The answer to a request for JSON without a schema. */
const defaultSchema = {
  type: 'object',
  properties: { found: { type: 'boolean' }, quotes: { type: 'array', items: { type: 'string' } } },
  required: ['found', 'quotes'],
} as const satisfies { type: 'object'; properties: object; required: readonly string[] }

function textPart(text: string, unified: 'stop' | 'length' | 'other', raw?: string): Part {
  return { content: [{ type: 'text', text }], finishReason: { unified, raw } }
}

/** Settings of sampling have no effect, which a warning reports. */
function warningsFor(options: LanguageModelV4CallOptions, { task }: Material): SharedV4Warning[] {
  const details = 'The extractive model is deterministic.'
  const settings = ['temperature', 'topP', 'topK', 'presencePenalty', 'frequencyPenalty'] as const
  const warnings: SharedV4Warning[] = settings
    .filter((feature) => options[feature] !== undefined)
    .map((feature) => ({ type: 'unsupported', feature, details }))
  for (const tool of options.tools ?? [])
    if (tool.type === 'provider') warnings.push({ type: 'unsupported', feature: `provider tool ${tool.name}` })
  if (task.unread.files > 0)
    warnings.push({ type: 'other', message: `${task.unread.files} attached files were not read.` })
  if (task.unread.cut)
    warnings.push({ type: 'other', message: 'The prompt is longer than the model reads; its end was left out.' })
  return warnings
}
