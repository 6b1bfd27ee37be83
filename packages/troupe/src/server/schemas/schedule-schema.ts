/** The schema of a schedule in answers. */
import { z } from 'zod'
import { list } from './request-schemas.ts'

export const scheduleSchema = z.object({
  id: z.string(),
  state: z.enum(['active', 'paused', 'ended']),
  createdAt: z.string(),
  team: z.string().optional(),
  agent: z.string().optional(),
  agents: list(z.string()).optional(),
  tags: list(z.string()),
  at: z.string().optional(),
  in: z.string().optional(),
  every: z.string().optional(),
  timeZone: z.string().optional(),
  onContext: z.object({ pattern: z.string(), topics: list(z.string()).optional() }).optional(),
  onMessage: z.object({ type: z.string(), to: z.string() }).optional(),
  misfire: z.enum(['skip', 'once', 'all']),
  overlap: z.enum(['allow', 'skip', 'queue']),
  next: list(z.string()),
  waiting: z.number(),
  lastRun: z.object({ id: z.string(), at: z.string() }).optional(),
  apiKey: z.string().optional(),
  problem: z.object({ code: z.string(), message: z.string(), since: z.string() }).optional(),
})
