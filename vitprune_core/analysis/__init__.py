"""What runs mean together: tables of a study, statistics, findings, figures, the report."""
