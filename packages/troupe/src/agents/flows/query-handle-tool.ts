/** The tool by which a model asks about a value that is hidden from it. */
import { z } from 'zod'
import { jsonSchemaOf, type Schema } from '../../core/index.ts'

export const queryHandleName = 'query_handle'

const limits = { question: 2_000, fields: 30, options: 100, name: 100 }
const kinds = ['text', 'number', 'boolean', 'one_of'] as const
const form = {
  type: z.enum(kinds).optional().describe('text by default.'),
  options: z
    .array(z.string().min(1).max(limits.question))
    .min(1)
    .max(limits.options)
    .optional()
    .describe('The options of one_of.'),
}
const hasOptions = ({ type, options }: { readonly type?: unknown; readonly options?: unknown }) =>
  type !== 'one_of' || options !== undefined
const withOptions = 'one_of needs options'
const field = z.strictObject({ name: z.string().min(1).max(limits.name), ...form }).refine(hasOptions, withOptions)
const query = z.strictObject({
  handle: z.string().describe('The handle, exactly as a result gave it.'),
  question: z.string().min(1).max(limits.question).describe('What you want to know of the hidden value.'),
  ...form,
  fields: z
    .array(field)
    .min(1)
    .max(limits.fields)
    .optional()
    .describe('In place of type: an answer with several fields.'),
})
const inputSchema = query.refine(hasOptions, withOptions)
export type HandleQuery = z.output<typeof inputSchema>
export const handleQuerySchema = inputSchema as Schema<HandleQuery>

/** As the model sees it. */
export const queryHandleTool = {
  name: queryHandleName,
  description:
    'Asks a question about a hidden value, which you cannot read. The answer, in the form that you ask for, is hidden behind another handle.',
  inputSchema: jsonSchemaOf(handleQuerySchema),
} as const
