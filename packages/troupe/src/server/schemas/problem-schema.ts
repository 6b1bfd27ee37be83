/** The schema of a problem (RFC 9457), the answer to every failed request. */
import { z } from 'zod'

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  name: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
  hint: z.string().optional(),
  retryable: z.boolean(),
  errorId: z.string().optional(),
  request: z.string(),
  findings: z.unknown().optional(),
  results: z.unknown().optional(),
})
