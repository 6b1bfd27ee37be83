/** The body with which a person resolves an uncertain effect. */
import { z } from 'zod'
import type { Resolution } from '../../../journal/index.ts'
import { json, requestText, withoutUndefined } from '../../schemas/request-schemas.ts'

export const resolutionBody = z.strictObject({
  step: requestText.id,
  call: requestText.id,
  happened: z.boolean(),
  output: json.optional(),
})

export const resolutionOf = ({ step, call, happened, output }: z.infer<typeof resolutionBody>) => ({
  effect: { step, call },
  resolution: (happened ? { happened, ...withoutUndefined({ output }) } : { happened }) as Resolution,
})
