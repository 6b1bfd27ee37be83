/** The sign of a view beside its name, which says the same. */
import {
  Bot,
  CalendarClock,
  ChartColumn,
  Database,
  FlaskConical,
  Gauge,
  HeartPulse,
  HomeIcon,
  Inbox,
  KeyRound,
  ListTree,
  type LucideIcon,
  MessageSquare,
  Play,
  ScrollText,
  Settings,
  Waypoints,
} from 'lucide-react'
import type { ViewPath } from '../routes.ts'

const icons: Partial<Record<ViewPath, LucideIcon>> = {
  '/home': HomeIcon,
  '/runs': ListTree,
  '/chat': MessageSquare,
  '/context': Database,
  '/messages': Inbox,
  '/teams': Waypoints,
  '/agents': Bot,
  '/schedules': CalendarClock,
  '/evaluations': ChartColumn,
  '/playground': FlaskConical,
  '/try': Play,
  '/usage': Gauge,
  '/health': HeartPulse,
  '/keys': KeyRound,
  '/audit': ScrollText,
  '/settings': Settings,
}

export function ViewIcon({ to }: { readonly to: ViewPath }) {
  const Icon = icons[to]
  return Icon === undefined ? null : <Icon aria-hidden="true" strokeWidth={1.5} />
}
