import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useMay } from '../api/use-may.ts'

/** The way to the form that starts a run, for callers that may start one. */
export function NewRunLink() {
  const may = useMay()
  if (!may('runs.start')) return null
  return (
    <Link to="/try" className="button">
      <Plus aria-hidden="true" /> New run
    </Link>
  )
}
