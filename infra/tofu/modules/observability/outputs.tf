output "log_group_names" {
  description = "The log groups, by whose logs they hold."
  value       = { for group, made in aws_cloudwatch_log_group.this : group => made.name }
}

output "log_group_arns" {
  description = "The log groups' ARNs, by whose logs they hold."
  value       = { for group, made in aws_cloudwatch_log_group.this : group => made.arn }
}

output "log_key_arn" {
  description = "The KMS key that encrypts logs; CloudWatch Logs may use it for any group of this account and region."
  value       = aws_kms_key.logs.arn
}

output "alarm_key_arn" {
  description = "The KMS key that encrypts alarms on their way."
  value       = aws_kms_key.alarms.arn
}

output "alarm_topic_arn" {
  description = "The topic that alarms are published to."
  value       = aws_sns_topic.alarms.arn
}

output "alarm_names" {
  description = "The alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}
