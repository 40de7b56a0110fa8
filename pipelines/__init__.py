"""What runs inside the platform: functions and tasks, without the components that deploy them."""
