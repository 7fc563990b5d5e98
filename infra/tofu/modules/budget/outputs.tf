output "name" {
  description = "The budget's name."
  value       = aws_budgets_budget.this.name
}

output "limit_usd" {
  description = "What the platform may cost in a month, in US dollars."
  value       = var.limit_usd
}
